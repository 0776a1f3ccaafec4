"""What a file says is what the document's text says, with its headings, lines and title."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.errors import ParseError
from index.parsers import digest_of, parse, supported
from index.parsers.markdown import parse_markdown
from index.parsers.text import decode, parse_text
from index.records import Block, Document

Found = list[tuple[str, tuple[str, ...], int | None]]


def markdown(source: str) -> Document:
    return parse_markdown(source.encode(), "the-first_file.md", "digest")


def plain(source: str) -> Document:
    return parse_text(source.encode(), "the-first_file.txt", "digest")


def read(document: Document) -> Found:
    """The text of each block as the document has it, its headings and its line."""
    return [
        (document.text[block.start : block.end], block.headings, block.line)
        for block in document.blocks
    ]


def texts(document: Document) -> list[str]:
    return [text for text, _, _ in read(document)]


class TestEncodings:
    @pytest.mark.parametrize(
        "text",
        [
            "café",
            "Jürgen",
            "The oven was at 80°C.",
            "A ticket is £5 or 6 €.",
            "Smørrebrød på dansk",
            "El niño comió piñas.",
            "“Well”, said Björk – and sang it’s a start.",
        ],
    )
    def test_a_short_western_text_is_read_as_it_was_written(self, text: str) -> None:
        assert decode(text.encode("cp1252")) == text

    @pytest.mark.parametrize("sign", ["£5", "½ litre", "naïve – really", "80°C", "“hot”"])
    @pytest.mark.parametrize("repeats", [1, 3, 20])
    def test_a_single_letter_beyond_ascii_is_read_right_in_a_long_text(
        self, sign: str, repeats: int
    ) -> None:
        text = f"Black tea needs a lid, and {sign} of it. " + (
            "The leaves are picked by hand in April and dried on mats. " * repeats
        )
        assert decode(text.encode("cp1252")) == text

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("latin-1", "Der Kapitän läuft zur Brücke. Die Ärzte grüßen ihn höflich."),
            ("cp1250", "Statek przypływa rano do portu. W słoneczny dzień dzieci się bawią."),
            ("cp1251", "Корабль прибывает в порт утром. Капитан ждёт его там."),
            ("cp1253", "Το πλοίο φτάνει στο λιμάνι το πρωί."),
            ("cp1255", "הספינה מגיעה לנמל בבוקר. רב החובל ממתין שם."),
            ("cp1256", "السفينة تصل إلى الميناء في الصباح. القبطان ينتظر هناك."),
            ("shift_jis", "港の水深は十四メートルです。船長はそこで待っています。"),
            ("gb18030", "港口的水深十四米。船长在那里等候。"),
        ],
    )
    def test_other_alphabets_are_told_apart(self, encoding: str, text: str) -> None:
        assert decode(text.encode(encoding)) == text

    @given(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    )
    @example("", "utf-8")
    @example("\ufeffTwo marks", "utf-8-sig")
    def test_any_text_comes_back_where_a_mark_or_utf_8_says_how(
        self, text: str, encoding: str
    ) -> None:
        if encoding == "utf-8" and text.startswith("\ufeff"):
            text = text.lstrip("\ufeff")
        assert decode(text.encode(encoding)) == text

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_utf_16_without_a_mark_is_told_by_its_zeros(self, encoding: str) -> None:
        assert decode("Ebb and flow.".encode(encoding)) == "Ebb and flow."

    def test_a_few_zeros_in_a_long_text_are_spaces(self) -> None:
        assert decode(b"ebb\0flow " + b"and so on " * 200).startswith("ebb flow and")
        assert decode("Åbo\0".encode("cp1252") + b" and so on" * 200).startswith("Åbo  and")

    def test_all_line_ends_become_one(self) -> None:
        assert decode(b"one\r\ntwo\rthree\n") == "one\ntwo\nthree\n"

    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (bytes(range(32)) * 8, "binary"),
            (b"text\x00\xff\xfe text \x00 more", "binary"),
            (b"\xef\xbb\xbf\xff\xff", "utf-8-sig but is not"),
            (b"\xff\xfe\x00", "utf-16 but is not"),
        ],
    )
    def test_what_is_no_text_is_an_error_that_says_so(self, data: bytes, reason: str) -> None:
        with pytest.raises(ParseError, match=reason):
            decode(data)


class TestMarkdownHeadings:
    def test_a_block_knows_the_path_of_headings_above_it(self) -> None:
        document = markdown(
            "# Tides\n\nAll of it.\n\n## Spring\n\nHigh.\n\n### Moon\n\nFull.\n\n## Neap\n\nLow.\n"
        )
        assert read(document) == [
            ("All of it.", ("Tides",), 3),
            ("High.", ("Tides", "Spring"), 7),
            ("Full.", ("Tides", "Spring", "Moon"), 11),
            ("Low.", ("Tides", "Neap"), 15),
        ]
        assert document.title == "Tides"

    def test_underlined_headings_count_like_those_with_marks(self) -> None:
        assert read(markdown("Tides\n=====\n\nNeap\n----\n\nLow water.\n")) == [
            ("Low water.", ("Tides", "Neap"), 7)
        ]

    def test_a_level_that_is_left_out_leaves_no_gap_in_the_path(self) -> None:
        assert read(markdown("# A\n\n#### D\n\none\n\n## B\n\ntwo\n")) == [
            ("one", ("A", "D"), 5),
            ("two", ("A", "B"), 9),
        ]

    def test_marks_inside_a_heading_are_not_part_of_it(self) -> None:
        document = markdown("# The *old* `port` of [Turku](http://x.example) ##\n\nText.\n")
        assert document.title == "The old port of Turku"

    def test_a_heading_with_nothing_below_it_becomes_a_paragraph(self) -> None:
        document = markdown("# A\n\n## To be written\n\n## Full\n\nText.\n\n## The end\n")
        assert read(document) == [
            ("To be written", ("A",), 3),
            ("Text.", ("A", "Full"), 7),
            ("The end", ("A",), 9),
        ]

    def test_a_file_of_headings_alone_loses_none_of_them(self) -> None:
        document = markdown("# Closed until May\n\n# Ask next door\n\n## Or ring\n")
        assert read(document) == [
            ("Closed until May", (), 1),
            ("Or ring", ("Ask next door",), 5),
        ]

    def test_empty_headings_disturb_no_others(self) -> None:
        document = markdown("# A\n\n#\n\n##\n\n# B\n\n## C\n\n##\n\ntext\n")
        assert read(document) == [("A", (), 1), ("C", ("B",), 9), ("text", ("B",), 13)]

    @given(
        st.lists(
            st.tuples(st.integers(1, 6), st.booleans()).map(
                lambda pair: "#" * pair[0] + " " if pair[1] else ""
            ),
            min_size=1,
            max_size=12,
        )
    )
    def test_every_word_is_in_a_block_or_in_a_path(self, marks: list[str]) -> None:
        words = [f"word{number}" for number in range(len(marks))]
        source = "\n\n".join(mark + word for mark, word in zip(marks, words, strict=True))
        found = read(markdown(source))
        kept = {text for text, _, _ in found} | {one for _, path, _ in found for one in path}
        assert kept == set(words)


class TestMarkdownFrontMatter:
    def test_it_gives_the_title_and_no_text_and_lines_count_from_the_top(self) -> None:
        document = markdown("---\ntitle: 'Ebb and flow'\ntags: [sea]\n---\n# Tides\n\nLow.\n")
        assert document.title == "Ebb and flow"
        assert read(document) == [("Low.", ("Tides",), 7)]

    @pytest.mark.parametrize(
        ("author", "named"),
        [("Ida Holm", "Ida Holm"), ('[Ida Holm, "A. Berg"]', "Ida Holm; A. Berg")],
    )
    def test_it_gives_author_and_date(self, author: str, named: str) -> None:
        document = markdown(f"---\nAuthor: {author}\ndate: 2020-03-01T10:00\n---\nLow.\n")
        assert document.metadata == {"author": named, "date": "2020-03-01"}

    def test_without_a_title_the_first_heading_gives_it(self) -> None:
        assert markdown("---\nauthor: Holm\n...\n# Tides\n\nLow.\n").title == "Tides"

    def test_text_between_two_rules_is_no_front_matter(self) -> None:
        assert texts(markdown("---\n\nFirst of all.\n\n---\n\nSecond.\n")) == [
            "First of all.",
            "Second.",
        ]

    def test_a_file_without_any_title_is_called_by_its_name(self) -> None:
        assert markdown("Just text.").title == "the first file"


class TestMarkdownBlocks:
    def test_marks_are_gone_and_words_stay(self) -> None:
        source = "An *old* **and** `deep` [port](http://x.example) ~~here~~ &amp; <b>there</b> \\*"
        assert texts(markdown(source)) == ["An old and deep port here & <b>there</b> *"]

    def test_a_picture_is_its_description(self) -> None:
        assert texts(markdown("![the pier at dusk](http://x.example/pier.png)")) == [
            "the pier at dusk"
        ]

    def test_items_of_numbered_lists_keep_their_numbers(self) -> None:
        source = (
            "3) tea\n3) milk\n   - goat\n     1. hay\n\n     2. oats\n\n1. ```\n   honey\n   ```\n"
        )
        assert texts(markdown(source)) == [
            "3) tea", "4) milk", "goat", "1. hay", "2. oats", "1. honey",
        ]  # fmt: skip

    def test_a_note_of_one_word_is_no_address(self) -> None:
        source = "See there.[^1] And [here].\n\n[^1]: Closed\n\n[here]: http://x.example\n"
        assert texts(markdown(source)) == ["See there.[^1] And here.", "[^1]: Closed"]

    @pytest.mark.parametrize("depth", [30, 60])
    def test_deep_quotations_and_lists_are_read(self, depth: int) -> None:
        document = markdown("> " * depth + "deep\n\nafter\n")
        assert texts(document) == ["deep", "after"]
        assert document.extent.unread == ()

    def test_what_lies_too_deep_is_named(self) -> None:
        document = markdown("> " * 150 + "deep\n\nafter\n")
        assert texts(document) == ["after"]
        assert document.extent.unread == ("What is nested too deeply in it.",)

    def test_soft_line_ends_are_spaces_and_hard_ones_stay(self) -> None:
        assert texts(markdown("one\ntwo  \nthree\\\nfour")) == ["one two\nthree\nfour"]

    def test_each_item_of_a_list_is_a_block_with_its_line(self) -> None:
        assert read(markdown("- tea\n- milk\n  - goat\n\n3. honey\n")) == [
            ("tea", (), 1),
            ("milk", (), 2),
            ("goat", (), 3),
            ("3. honey", (), 5),
        ]

    def test_code_is_kept_as_it_is_and_holds_no_headings(self) -> None:
        source = "# A\n\n```sh\n# not a heading\nls  -l | wc\n```\n\n    x = *y*\n"
        assert read(markdown(source)) == [
            ("# not a heading\nls  -l | wc", ("A",), 3),
            ("x = *y*", ("A",), 8),
        ]

    def test_each_row_of_a_table_stands_on_its_own(self) -> None:
        source = "| Port | Depth |\n|---|---:|\n| Turku | 10 m |\n| Rauma | |\n\nAfter.\n"
        assert read(markdown(source)) == [
            ("Port: Turku; Depth: 10 m", (), 3),
            ("Port: Rauma", (), 4),
            ("After.", (), 6),
        ]

    def test_a_table_without_rows_keeps_the_names_of_its_columns(self) -> None:
        assert texts(markdown("| Port | Depth |\n|---|---|\n\nAfter.\n")) == [
            "Port; Depth",
            "After.",
        ]

    def test_a_table_keeps_names_and_cells_that_stand_alone(self) -> None:
        table = "> | Port | Depth | Fax |\n> |---|---|---|\n> | Turku | 10 m | | `a|b` |\n"
        assert read(markdown(table)) == [
            ("Port; Depth; Fax", (), 1),
            ("Turku; 10 m; `a; b`", (), 3),
        ]

    def test_a_quotation_is_text(self) -> None:
        assert texts(markdown("> Land ahoy!\n> he cried.\n")) == ["Land ahoy! he cried."]

    def test_html_stays_as_the_characters_it_is_made_of(self) -> None:
        source = "<script>alert(1)</script>\n\n<!-- a note -->\n"
        assert texts(markdown(source)) == ["<script>alert(1)</script>", "<!-- a note -->"]

    @pytest.mark.parametrize(
        "text", ["الميناء عميق.", "הנמל עמוק.", "🐝 the bee 👩‍👧 🇫🇮", "e\u0301te\u0301"]
    )
    def test_text_of_any_script_is_kept_to_the_letter(self, text: str) -> None:
        assert read(markdown(f"# {text}\n\n{text}\n\nx\n")) == [
            (text, (text,), 3),
            ("x", (text,), 5),
        ]

    def test_windows_line_ends_change_nothing(self) -> None:
        source = "---\ntitle: T\n---\n# A\n\none\ntwo\n\n```\ncode\n\nmore\n```\n"
        assert read(markdown(source.replace("\n", "\r\n"))) == read(markdown(source))
        assert markdown(source.replace("\n", "\r\n")).title == "T"


class TestPlainText:
    def test_blank_lines_part_paragraphs_and_the_text_is_the_file(self) -> None:
        source = "one\ntwo\n\n \t\nthree\n\n\n\n  four\n"
        document = plain(source)
        assert document.text == source
        assert read(document) == [("one\ntwo", (), 1), ("three", (), 5), ("four", (), 9)]

    @pytest.mark.parametrize(
        ("heading", "path"),
        [
            ("KEEPING BEES", "KEEPING BEES"),
            ("1. Hives", "1. Hives"),
            ("2.3 Swarms in May", "2.3 Swarms in May"),
            ("Winter feed\n===========", "Winter feed"),
            ("What to do?\n---", "What to do?"),
            ("  ПЧЁЛЫ", "ПЧЁЛЫ"),
        ],
    )
    def test_capitals_numbers_and_underlines_make_headings(self, heading: str, path: str) -> None:
        document = plain(f"{heading}\n\nThe bees hum.\n")
        assert [(text, above) for text, above, _ in read(document)] == [("The bees hum.", (path,))]
        assert document.title == path

    @pytest.mark.parametrize(
        "line",
        [
            "The bees hum",
            "STOP THERE.",
            "12 345",
            "1998 was a dry year, and the hives gave little honey to us or to anyone else then",
            "A" * 101,
        ],
    )
    def test_other_single_lines_are_paragraphs(self, line: str) -> None:
        assert read(plain(f"{line}\n\nMore of it.\n")) == [(line, (), 1), ("More of it.", (), 3)]

    def test_headings_in_a_row_are_kept_as_paragraphs_but_for_the_title(self) -> None:
        document = plain("BEES\n\n1. Buy a hive\n\n2. Buy a veil\n\nA veil is cheap.\n\nTHE END\n")
        assert document.title == "BEES"
        assert read(document) == [
            ("1. Buy a hive", (), 3),
            ("A veil is cheap.", ("2. Buy a veil",), 7),
            ("THE END", (), 9),
        ]

    def test_a_file_of_one_heading_is_a_paragraph(self) -> None:
        assert read(plain("\n  CLOSED UNTIL MAY\n")) == [("CLOSED UNTIL MAY", (), 2)]

    def test_long_lines_are_paragraphs_of_their_own(self) -> None:
        long = "The hive hums. " * 20
        assert read(plain(f"short\n{long}\nlast\n")) == [
            ("short", (), 1),
            (long.strip(), (), 2),
            ("last", (), 3),
        ]

    def test_windows_line_ends_change_nothing(self) -> None:
        source = "BEES\n\none\ntwo\n\nthree\n"
        assert read(plain(source.replace("\n", "\r\n"))) == read(plain(source))

    @given(st.text(st.sampled_from("a B1.=-\n\t\r🐝א\u00a0\u2028\f"), max_size=60))
    @example("A\n\nB\n\nC")
    @example("1. A\n\n1. A\n\n1. A")
    def test_every_letter_is_in_a_block_a_heading_or_the_title(self, source: str) -> None:
        document = plain(source)
        kept = "".join(texts(document)) + document.title
        kept += "".join("".join(block.headings) for block in document.blocks)
        for letter in "aB1🐝א":
            assert (letter in document.text) <= (letter in kept)

    @given(st.text(st.sampled_from("ab A1.#|-=>`\n\t\r🐝א&*"), max_size=80))
    def test_blocks_follow_one_another_and_lines_never_fall(self, source: str) -> None:
        for document in (plain(source), markdown(source)):
            end, line = 0, 1
            for block in document.blocks:
                assert end <= block.start < block.end <= len(document.text)
                assert block.line is not None
                assert line <= block.line <= source.count("\n") + source.count("\r") + 1
                text = document.text[block.start : block.end]
                assert text == text.strip()
                end, line = block.end, block.line


class TestParse:
    def test_the_suffix_chooses_the_parser_whatever_its_case(self, tmp_path: Path) -> None:
        for name, format_ in [("a.MD", "markdown"), ("a.markdown", "markdown"), ("a.TXT", "text")]:
            path = tmp_path / name
            path.write_bytes(b"# Not bare\n\nText.\n")
            assert supported(path)
            assert parse(path, name).format == format_

    def test_the_digest_is_that_of_the_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_bytes("caf\u00e9".encode("utf-16"))
        expected = hashlib.sha256(path.read_bytes()).hexdigest()
        assert parse(path, "a.txt").digest == digest_of(path) == expected

    def test_an_unknown_suffix_names_those_that_are_known(self, tmp_path: Path) -> None:
        path = tmp_path / "a.xyz"
        path.write_text("text")
        assert not supported(path)
        with pytest.raises(ParseError, match=r"'\.xyz'.*\.docx .*\.md .*\.pdf .*\.txt"):
            parse(path, "a.xyz")

    @pytest.mark.parametrize("read_it", [digest_of, lambda path: parse(path, "a.txt")])
    def test_a_file_that_is_not_there_is_an_error_of_ours(
        self, read_it: object, tmp_path: Path
    ) -> None:
        assert callable(read_it)
        with pytest.raises(ParseError, match="cannot be read: No such file"):
            read_it(tmp_path / "a.txt")

    @pytest.mark.parametrize(
        ("magic", "name"), [(b"PK\x03\x04", "archive"), (b"\x1f\x8b", "gzip"), (b"\x89PNG", "PNG")]
    )
    def test_another_format_under_a_text_name_is_named(
        self, magic: bytes, name: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "a.md"
        path.write_bytes(magic + b"rest")
        with pytest.raises(ParseError, match=name):
            parse(path, "a.md")

    def test_blocks_of_a_file_are_what_its_parser_found(self, tmp_path: Path) -> None:
        path = tmp_path / "a.txt"
        path.write_text("one\n\ntwo\n")
        assert parse(path, "a.txt").blocks == (Block(0, 3, (), 1), Block(5, 8, (), 3))
