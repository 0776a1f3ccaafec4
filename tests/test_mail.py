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

    @pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
    def test_a_header_in_letters_that_it_may_not_have_is_read(self, encoding: str) -> None:
        mail = f"Subject: Die Fähre\nFrom: Jürgen Groß <j@example.org>\n\n{FERRY}\n"
        document = read(mail.encode(encoding))
        assert document.title == "Die Fähre"
        assert document.metadata["author"] == "Jürgen Groß <j@example.org>"

    def test_a_date_may_be_written_as_computers_do(self) -> None:
        mail = f"Subject: A\nDate: 2025-07-29T12:42:06Z\n\n{FERRY}\n"
        assert read(mail.encode()).metadata == {"date": "2025-07-29"}

    def test_a_mail_of_parts_that_does_not_say_where_they_end_is_text(self) -> None:
        assert texts(read(f"Subject: A\nContent-Type: multipart/mixed\n\n{FERRY}".encode())) == [
            FERRY
        ]

    def test_a_report_of_delivery_is_read(self) -> None:
        status = (
            "Reporting-MTA: dns; a.example\n\nFinal-Recipient: rfc822; b@a.example\nStatus: 5.1.1"
        )
        found = texts(
            parts("report", ("text/plain", "It came back."), ("message/delivery-status", status))
        )
        assert found == [
            "It came back.",
            "Reporting-MTA: dns; a.example",
            "Final-Recipient: rfc822; b@a.example; Status: 5.1.1",
        ]


def parts(kind: str, *given: tuple[str, str]) -> Document:
    """A mail of parts, each given as its type and its text."""
    whole = "".join(f"--B\nContent-Type: {of}\n\n{text}\n" for of, text in given)
    head = f"Subject: Ferries\nContent-Type: multipart/{kind}; boundary=B\n\n"
    return read(f"{head}{whole}--B--\n".encode())


INVITATION = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:Launch of
  the ferry
DTSTART;TZID="Europe/Paris":20200301T100000
DTEND:20200301T110000Z
LOCATION:Pier 2\\, north
DESCRIPTION:Bring\\nboots
END:VEVENT
END:VCALENDAR"""
EVENT = (
    "Event: Launch of the ferry; Begins: 2020-03-01 10:00; Ends: 2020-03-01 11:00 UTC; "
    "Place: Pier 2, north\nBring\nboots"
)


class TestWays:
    def test_attachments_of_the_way_that_is_not_read_are_read(self) -> None:
        inner = (
            "--C\nContent-Type: text/html\n\n<p>Plain.</p>\n"
            "--C\nContent-Type: text/csv\nContent-Disposition: attachment; filename=fees.csv\n\n"
            "Name,Price\nCar,30\n--C--\n"
        )
        document = parts(
            "alternative", ("text/plain", "Plain."), ("multipart/mixed; boundary=C", inner)
        )
        assert texts(document) == ["Plain.", "Name: Car; Price: 30"]

    def test_a_plain_text_that_only_points_at_the_page_is_not_read_for_it(self) -> None:
        page = f"<p>{FERRY}</p>"
        document = parts("alternative", ("text/plain", "See the page."), ("text/html", page))
        assert texts(document) == [FERRY]
        assert document.extent.left_out == len("see page")

    def test_words_that_only_the_page_has_are_counted(self) -> None:
        page = f"<p>{FERRY}</p><table><tr><td>Fee</td><td>30</td></tr></table>"
        document = parts("alternative", ("text/plain", FERRY), ("text/html", page))
        assert texts(document) == [FERRY]
        assert document.extent.left_out == len("fee 30")

    def test_an_attached_text_is_no_way_of_saying_it(self) -> None:
        inner = "--C\nContent-Type: text/plain; name=a.txt\n\nAttached.\n--C--\n"
        document = parts(
            "alternative", ("text/html", "<p>Page.</p>"), ("multipart/mixed; boundary=C", inner)
        )
        assert texts(document) == ["Page.", "Attached."]

    def test_an_invitation_says_what_when_and_where_once(self) -> None:
        document = parts(
            "mixed",
            ("multipart/alternative; boundary=C",
             f"--C\nContent-Type: text/plain\n\nCome!\n--C\nContent-Type: text/calendar\n\n"
             f"{INVITATION}\n--C--\n"),
            ("application/ics; name=invite.ics", INVITATION),
        )  # fmt: skip
        assert texts(document) == ["Come!", EVENT]
        assert document.extent.unread == ()


class TestAttachments:
    def test_parts_without_a_name_are_read_by_their_type_or_named(self) -> None:
        document = parts(
            "mixed",
            ("text/rtf", "{\\rtf1 Rich text.\\par}"),
            ("text/csv", "Name,Price\nCar,30"),
            ("text/x-diff", "+ more"),
            ("application/x-unknown", "???"),
            ("application/x-pkcs7-signature", "???"),
        )
        assert texts(document) == ["Rich text.", "Name: Car; Price: 30", "+ more"]
        (reason,) = document.extent.unread
        assert reason.startswith("'attachment': No parser reads")

    def test_text_after_one_does_not_stand_below_its_name(self) -> None:
        document = parts("mixed", ("text/csv; name=a.csv", "Car,30"), ("text/plain", FERRY))
        assert [block.headings for block in document.blocks] == [("Ferries", "a"), ("Ferries",)]

    def test_headings_in_one_are_kept(self) -> None:
        source = "# Fees\n\n## Cars\n\n30\n\n## Lorries\n\n### Long\n\n90\n\n## Rest\n\n5"
        document = parts("mixed", ("text/markdown; name=a.md", source))
        assert [block.headings[1:] for block in document.blocks] == [
            ("Fees", "Cars"), ("Fees", "Lorries", "Long"), ("Fees", "Rest"),
        ]  # fmt: skip

    def test_mails_in_too_many_others_are_named(self) -> None:
        mail = b"Subject: Innermost\n\nDeep text."
        for number in range(7):
            mail = b"Subject: Mail %d\nContent-Type: message/rfc822\n\n%b" % (number, mail)
        document = read(mail)
        assert "Deep text." not in document.text
        assert document.extent.unread == ("'Mail 0': It is a mail in too many others.",)

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
        inner = a_mail(f"{FERRY} The pier is closed.")
        inner.replace_header("Subject", "The pier")
        inner.add_attachment(b"Name,Price\nCar,30\n", "text", "csv", filename="fees.csv")
        outer = a_mail()
        outer.add_attachment(inner)
        document = read(outer)
        assert texts(document) == [
            FERRY,
            FEES,
            "From: Ida Holm <holm@example.org>; Date: Tue, 03 Mar 2020 10:00:00 +0000",
            f"{FERRY} The pier is closed.",
            "Name: Car; Price: 30",
        ]
        assert document.blocks[3].headings == ("Ferries of the Sound", "The pier")
