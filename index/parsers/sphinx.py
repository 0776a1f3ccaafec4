"""Directives and roles of reStructuredText that docutils does not know, most of them Sphinx's.

Left alone, docutils drops what stands in them.
"""

from __future__ import annotations

import re
from typing import Any

_DIRECTIVE = re.compile(r"^[ \t>*#-]*\.\. (?:\|[^|\n]+\| )?([A-Za-z][\w:+.-]*)::(?:\s|$)", re.M)
_ROLE = re.compile(r":([A-Za-z][\w:+.-]*):`|`:([A-Za-z][\w:+.-]*):")
_OPTION = re.compile(r"\s*:[\w-]+:(?:\s.*)?")
_TARGET = re.compile(r"\s*<[^<>]*>$", re.DOTALL)


def know(text: str) -> None:
    """Teach docutils what a text uses and it does not know.

    A directive is then what stands in it, a role its text; a list of files is a comment.
    """
    from docutils import nodes, utils
    from docutils.parsers.rst import Directive, directives, languages, roles
    from docutils.statemachine import StringList

    class Unknown(Directive):  # type: ignore[misc]
        has_content = True
        optional_arguments = 1
        final_argument_whitespace = True

        def run(self) -> list[Any]:
            beside = "\n".join(self.arguments).split("\n")
            numbered = enumerate(beside, start=self.lineno - 1)
            places = [(line, n) for n, line in numbered if not _OPTION.fullmatch(line)]
            lines = [line for line, _ in places]
            if self.name == "toctree":
                listed = "\n".join([*lines, *self.content]).strip()
                return [nodes.comment("", listed)] if listed else []
            whole = nodes.container()
            self.state.nested_parse(
                StringList(lines, items=[("", n) for _, n in places]), self.lineno - 1, whole
            )
            self.state.nested_parse(self.content, self.content_offset, whole)
            return [whole]

    def role(_name: str, raw: str, text: str, *_: Any, **__: Any) -> tuple[list[Any], list[Any]]:
        return [nodes.inline(raw, _TARGET.sub("", text).lstrip("~!"))], []

    document = utils.new_document("")
    document.reporter.report_level = document.reporter.halt_level = 5
    english = languages.get_language("en")
    for name in {found[1].lower() for found in _DIRECTIVE.finditer(text)}:
        if directives.directive(name, english, document)[0] is None:
            directives.register_directive(name, Unknown)
    for name in {(found[1] or found[2]).lower() for found in _ROLE.finditer(text)}:
        if roles.role(name, english, 0, document.reporter)[0] is None:
            roles.register_local_role(name, role)
