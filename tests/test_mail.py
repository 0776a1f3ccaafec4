"""Mail: what is read of its parts, in which order, and what is said of those that are not."""

from __future__ import annotations

import email.message
import email.policy
from pathlib import Path

import pytest

from index.build import build
from index.errors import ParseError
from index.parsers import SUFFIXES, parse_bytes
from index.records import Document
from index.store import Store
from index.verify import verify
from tests.conftest import HashEncoder
from tests.samples import FEES, FERRY, a_mail, samples, texts


def read(mail: email.message.EmailMessage | bytes) -> Document:
    return parse_bytes(bytes(mail), "mail.eml")


class TestText:
    def test_subject_sender_date_and_text(self) -> None:
        document = read(a_mail())
        assert document.title == "Ferries of the Sound"
        assert document.metadata == {"author": "Ida Holm <holm@example.org>", "date": "2020-03-03"}
        assert texts(document) == [FERRY, FEES]

    def test_html_is_read_where_the_plain_text_is_blank(self) -> None:
        assert texts(read(a_mail(" \n"))) == [f"{FERRY} In HTML."]

    def test_text_after_an_attachment_is_read_too(self) -> None:
        mail = email.message.EmailMessage(policy=email.policy.default)
        mail["Subject"] = "Ferries"
        mail.set_content(FERRY)
        mail.add_attachment(b"Name,Price\nCar,30\n", "text", "csv", filename="fees.csv")
        mail.add_attachment(FEES, disposition="inline")
        assert texts(read(mail)) == [FERRY, "Name: Car; Price: 30", FEES]

    @pytest.mark.parametrize(
        ("header", "meta", "encoding"),
        [
            ("utf-8", "", "cp1252"),
            ("iso-8859-1", "", "utf-8"),
            ("iso-8859-1", "", "cp1252"),
            ("us-ascii", "", "cp1252"),
            ("utf-16", "", "utf-8"),
            ("no-such-charset", "utf-8", "cp1252"),
            ("", "windows-1252", "cp1252"),
            ("", "utf-8", "utf-8"),
        ],
    )
    def test_the_charset_may_be_declared_wrongly(
        self, header: str, meta: str, encoding: str
    ) -> None:
        text = "Die Fähre fährt im März für 5 € über den Fluß"
        page = f'<html><head><meta charset="{meta}"></head><body><p>{text}</p></body></html>'
        declared = f"; charset={header}" if header else ""
        mail = f"Subject: Ferries\nContent-Type: text/html{declared}\n\n".encode()
        assert texts(read(mail + page.encode(encoding))) == [text]

    def test_a_charset_of_seven_bits_is_taken_at_its_word(self) -> None:
        text = "港の水深は十四メートルです。"
        mail = b"Subject: Port\nContent-Type: text/plain; charset=iso-2022-jp\n\n"
        assert texts(read(mail + text.encode("iso-2022-jp"))) == [text]

    def test_an_encrypted_mail_is_named(self) -> None:
        mail = email.message.EmailMessage(policy=email.policy.default)
        mail["Subject"] = "Secret"
        mail.set_content(b"...", maintype="application", subtype="pkcs7-mime")
        with pytest.raises(ParseError, match="encrypted"):
            read(mail)

    def test_a_date_that_cannot_be_costs_only_itself(self) -> None:
        mail = f"Subject: Ferries\nDate: Tue, 3 Mar {'9' * 30} 10:00:00 +0000\n\n{FERRY}\n"
        document = read(mail.encode())
        assert texts(document) == [FERRY]
        assert document.metadata == {}

    def test_a_mail_without_a_header_is_none(self) -> None:
        with pytest.raises(ParseError, match="no mail"):
            read(b"just text")


class TestAttachments:
    @pytest.mark.parametrize("suffix", sorted(set(SUFFIXES) - {".eml"}))
    def test_they_are_read_by_their_parsers(self, suffix: str) -> None:
        mail = a_mail()
        data = samples()[f"ferries{suffix}"]
        mail.add_attachment(data, "application", "x", filename=f"../../ferries{suffix}")
        document = read(mail)
        alone = parse_bytes(data, f"ferries{suffix}")
        assert texts(document) == [FERRY, FEES, *texts(alone)]
        above = [heading for heading in alone.blocks[-1].headings if heading != alone.title]
        assert document.blocks[-1].headings == ("Ferries of the Sound", alone.title, *above)
        assert document.extent.unread == ()

    def test_one_that_cannot_be_read_is_named(
        self, corpus: Path, store: Store, encoder: HashEncoder
    ) -> None:
        mail = a_mail()
        mail.add_attachment(b"PK\x03\x04junk", "application", "x", filename="a.docx")
        mail.add_attachment(b"\x89PNG", "image", "png", filename="pier.png")
        reasons = read(mail).extent.unread
        assert len(reasons) == 2
        assert reasons[0].startswith("'a.docx': The file is a damaged archive")
        assert reasons[1] == "'pier.png': The file is a PNG picture."
        (corpus / "mail.eml").write_bytes(bytes(mail))
        report = build(corpus, store, encoder)
        (line,) = [file for file in report.files if file.path == "mail.eml"]
        assert line.state == "partly"
        assert "'pier.png': The file is a PNG picture." in line.reason
        assert verify(corpus, store).current

    def test_pictures_inside_the_text_are_no_attachments(self) -> None:
        mail = a_mail()
        mail.add_attachment(b"\x89PNG", "image", "png", disposition="inline", filename="logo.png")
        assert read(mail).extent.unread == ()

    def test_a_mail_inside_a_mail_is_read_once_with_its_attachments(self) -> None:
        inner = a_mail("The pier is closed in May.")
        inner.replace_header("Subject", "The pier")
        inner.add_attachment(b"Name,Price\nCar,30\n", "text", "csv", filename="fees.csv")
        outer = a_mail()
        outer.add_attachment(inner)
        document = read(outer)
        assert texts(document) == [
            FERRY,
            FEES,
            "From: Ida Holm <holm@example.org>; Date: Tue, 03 Mar 2020 10:00:00 +0000",
            "The pier is closed in May.",
            "Name: Car; Price: 30",
        ]
        assert document.blocks[3].headings == ("Ferries of the Sound", "The pier")
