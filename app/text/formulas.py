"""Formulas in TeX as MathML Core, which browsers set without any script."""

import html
import re

from math_core import LatexError, LatexToMathML

# Longer or deeper ones are shown as they are written: the converter descends one call for each level.
LONGEST = 2_000
DEEPEST = 50
# A formula may define and repeat commands of its own.
LONGEST_MATHML = 60_000

# What models write beyond the converter's own commands. Nothing here can grow without end.
_MACROS = {
    "abs": r"\left|#1\right|", "norm": r"\left\|#1\right\|", "substack": r"\begin{gathered}#1\end{gathered}",
    "mbox": r"\text{#1}", "textnormal": r"\text{#1}", "pmb": r"\boldsymbol{#1}", "widetilde": r"\tilde{#1}",
    "smash": "#1", "href": "#2", "hdots": r"\ldots", "dotsc": r"\ldots", "dotsb": r"\cdots",
    "sgn": r"\operatorname{sgn}", "lcm": r"\operatorname{lcm}", "sech": r"\operatorname{sech}",
    "varliminf": r"\liminf", "varlimsup": r"\limsup", "smallsetminus": r"\setminus", "enskip": r"\enspace",
    "celsius": r"{}^{\circ}\mathrm{C}", "dd": r"\mathrm{d}", "Q": r"\mathbb{Q}", "C": r"\mathbb{C}",
    "nobreak": "", "allowbreak": "", "strut": "",
}  # fmt: skip
_REWRITTEN = (
    # Each formula stands alone, so numbers would begin again with each.
    (re.compile(r"\\(begin|end)\{(align|gather|multline|equation)\}"), r"\\\1{\2*}"),
    (re.compile(r"\\(begin|end)\{(?:split|eqnarray\*?|flalign\*?)\}"), r"\\\1{aligned}"),
    (re.compile(r"\\(begin|end)\{(?:smallmatrix)\}"), r"\\\1{matrix}"),
    (re.compile(r"\\(begin)\{alignat\*?\}\{\d+\}|\\(end)\{alignat\*?\}"), r"\\\1\2{aligned}"),
    (re.compile(r"\\(?:(?:label|require)\{[^{}]*\}|nonumber|notag)"), ""),
    (re.compile(r"\\tag\*?\{([^{}]*)\}"), r"\\qquad\\text{(\1)}"),
    (
        re.compile(r"\\(?:mathop\{\\(?:mathrm|text|rm) ?\{([^{}]*)\}\}|operatorname\{([^{}]*)\})\\limits"),
        r"\\operatorname*{\1\2}",
    ),
    # Nobody comments a formula; whoever writes 5% means it.
    (re.compile(r"(?<!\\)%"), r"\\%"),
)
_IN_TEXT = re.compile(r"(\\(?:text|mbox|textrm|textbf|textit|textnormal)\{)([^{}]*)\}")

_NESTS = re.compile(r"\\.|[{}]", re.DOTALL)

_converter = LatexToMathML(macros=_MACROS, ignore_unknown_commands=True, fancy_error=False)

# Inline styles are not let through; these few become classes of the stylesheet.
CLASSES = {
    "text-align: right": "at-right",
    "text-align: left": "at-left",
    "padding-left: 0": "flush-left",
    "padding-right: 0": "flush-right",
    "border-top: 0.05em solid currentcolor": "ruled-above",
    "border-right: 0.05em solid currentcolor": "ruled-right",
}
_STYLE = re.compile(r' style="([^"]*)"')
# Chromium sets a bracket of a given size with indices small and low, unless it has a row of its own.
_SIZED_BASE = re.compile(r"(<m(?:sub|sup|subsup)>)(<mo [^>]*minsize=[^>]*>[^<]*</mo>)")


def to_mathml(source: str, *, display: bool) -> str:
    """A formula as MathML; one that cannot be set, as its source."""
    if len(source) > LONGEST or _depth(source) > DEEPEST:
        return _as_written(source)
    try:
        set_out = _converter.convert_with_local_state(_tidied(source), displaystyle=display)
    except LatexError:
        return _as_written(source)
    if len(set_out) > LONGEST_MATHML:
        return _as_written(source)
    return _SIZED_BASE.sub(r"\1<mrow>\2</mrow>", _STYLE.sub(_classes, set_out))


def _as_written(source: str) -> str:
    return f"<code>{html.escape(source)}</code>"


def _depth(source: str) -> int:
    deepest = depth = 0
    for match in _NESTS.finditer(source):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        deepest = max(deepest, depth)
    return deepest + source.count("\\left") + source.count("\\begin")


def _tidied(source: str) -> str:
    for pattern, replacement in _REWRITTEN:
        source = pattern.sub(replacement, source)
    return _IN_TEXT.sub(_plain_text, source)


def _plain_text(match: re.Match[str]) -> str:
    """Words as they are meant: an underscore is one, and formulas within stand for themselves."""
    opening, words = match.groups()
    parts = re.sub(r"(?<!\\)_", r"\\_", words).split("$")
    if len(parts) % 2 == 0:
        return f"{opening}{words}}}"
    return "".join(part if index % 2 else f"{opening}{part}}}" for index, part in enumerate(parts))


def _classes(match: re.Match[str]) -> str:
    declared = (declaration.strip() for declaration in match[1].split(";"))
    names = " ".join(CLASSES[each] for each in declared if each in CLASSES)
    return f' class="{names}"' if names else ""
