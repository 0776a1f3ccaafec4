"""Rows of tables with merged cells name their columns, and say nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from index.parsers.grid import WIDEST, Cell, row_texts


def read(*rows: list[Cell | str], head: int = 1) -> list[str]:
    cells = [[Cell(one) if isinstance(one, str) else one for one in row] for row in rows]
    return [text for _, text in row_texts(cells, head)]


class TestNames:
    def test_each_row_names_its_columns(self) -> None:
        rows = ["Vehicle", "Price"], ["Car", "30"], ["Lorry", ""], ["", "5"]
        assert read(*rows) == ["Vehicle: Car; Price: 30", "Vehicle: Lorry", "Price: 5"]

    def test_without_a_head_cells_stand_side_by_side(self) -> None:
        assert read(["Car", "30"], ["Lorry", "90"], head=0) == ["Car; 30", "Lorry; 90"]

    def test_a_head_alone_is_a_row(self) -> None:
        assert read(["Vehicle", "Price"]) == ["Vehicle; Price"]
        assert read() == read([]) == read([""], [""]) == []

    def test_a_row_that_is_longer_than_the_head_has_no_names(self) -> None:
        assert read(["Vehicle", "Price"], ["Car", "30", "45"]) == ["Vehicle; Price", "Car; 30; 45"]

    def test_names_that_no_row_shows_are_kept(self) -> None:
        rows = ["Vehicle", "Price", "Remark"], ["Car", "30", ""]
        assert read(*rows) == ["Vehicle; Price; Remark", "Vehicle: Car; Price: 30"]

    def test_cells_beside_one_of_endless_width_are_kept(self) -> None:
        rows = [[Cell("Ships", 10**6, 10**6), Cell("Fees")], [Cell("Car"), Cell("Lorry")]]
        found = " ".join(text for _, text in row_texts(rows, 0))
        assert all(text in found for text in ("Ships", "Fees", "Car", "Lorry"))

    def test_a_wide_head_names_all_columns_below_it(self) -> None:
        rows = ["Vehicle", Cell("Price", 2)], ["Car", "30", "45"]
        assert read(*rows) == ["Vehicle: Car; Price: 30; Price: 45"]

    def test_a_head_of_two_rows_is_told_by_its_cells(self) -> None:
        head = [Cell("Vehicle", 1, 2), Cell("Price", 2)], ["summer", "winter"]
        assert read(*head, ["Car", "30", "45"]) == [
            "Vehicle: Car; Price summer: 30; Price winter: 45"
        ]

    def test_a_wide_cell_has_the_names_of_all_columns_above_it(self) -> None:
        rows = ["Vehicle", "Summer", "Winter"], ["Bicycle", Cell("free", 2)]
        assert read(*rows) == ["Vehicle: Bicycle; Summer, Winter: free"]

    def test_a_title_and_a_row_as_wide_as_the_table_stand_for_themselves(self) -> None:
        rows = [Cell("Fees", 2)], ["Vehicle", "Price"], [Cell("From May", 2)], ["Car", "30"]
        assert read(*rows) == ["Fees", "From May", "Vehicle: Car; Price: 30"]
        assert read(*rows, head=2) == ["Fees", "From May", "Vehicle: Car; Price: 30"]


class TestMergedRows:
    def test_what_heads_several_rows_stands_in_each(self) -> None:
        rows = ["Port", "Year", "Ships"], [Cell("Turku", 1, 2), "1998", "5"], ["1999", "7"]
        assert read(*rows, ["Rauma", "1998", "2"]) == [
            "Port: Turku; Year: 1998; Ships: 5",
            "Port: Turku; Year: 1999; Ships: 7",
            "Port: Rauma; Year: 1998; Ships: 2",
        ]

    def test_so_does_a_second_heading_beside_it(self) -> None:
        rows = (
            ["Port", "Quay", "Ships"],
            [Cell("Turku", 1, 3), Cell("East", 1, 2), "5"],
            ["7"],
            ["West", "2"],
        )
        assert read(*rows)[1:] == [
            "Port: Turku; Quay: East; Ships: 7",
            "Port: Turku; Quay: West; Ships: 2",
        ]

    def test_what_heads_none_stands_once(self) -> None:
        rows = ["Port", "Ships", "Remark"], ["Turku", "5", Cell("all ferries", 1, 2)]
        assert read(*rows, ["Rauma", "2"]) == [
            "Port: Turku; Ships: 5; Remark: all ferries",
            "Port: Rauma; Ships: 2",
        ]

    def test_a_row_of_which_nothing_is_left_is_no_row(self) -> None:
        assert read(["Port", "Ships"], [Cell("Turku", 1, 2), Cell("5", 1, 2)], []) == [
            "Port: Turku; Ships: 5"
        ]


spans = st.integers(-1, 4) | st.sampled_from([WIDEST, 10**9])
cells = st.builds(Cell, st.sampled_from(["", "a", "b c", " d\n"]), spans, spans)


@given(st.lists(st.lists(cells, max_size=5), max_size=6), st.integers(0, 3))
def test_any_table_is_read_and_no_text_is_lost(rows: list[list[Cell]], head: int) -> None:
    whole = " ".join(text for _, text in row_texts(rows, head))
    if all(cell.across < WIDEST for row in rows for cell in row):
        for row in rows:
            for cell in row:
                assert " ".join(cell.text.split()) in whole
