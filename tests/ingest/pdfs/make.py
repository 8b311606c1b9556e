"""Makes the PDFs of this folder and the truth about them: ``python -m tests.ingest.pdfs.make``.

Each file has a producer or a trap that the reader must know. Needs ``typst``, ``fpdf2`` and Debian's
``libreoffice-writer-nogui``, ``chromium``, ``ghostscript``, ``qpdf``, ``fonts-dejavu-core``; the
tests need none of them.
"""

# A tool that is run by hand: mark-up reads best on one line, a writer of blocks in one piece.
# ruff: noqa: C901, E501, PLR0912, PLR0915

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.ingest.pdfs.source import (
    BOOK,
    BOOK_COVER,
    BOOK_RUNNING,
    COLUMNS,
    COVER,
    FIFTH,
    FIRST,
    FOURTH,
    RUNNING,
    SECOND,
    STAMP,
    THIRD,
    Block,
    Page,
)

HERE = Path(__file__).parent
SANS = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
SANS_BOLD = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
NOTE = re.compile(r"\[(\d)\]")


# ---- truth


def truth(
    name: str, pages: Sequence[Page], *, footer: str, header: str = RUNNING, **extra: object
) -> dict[str, object]:
    """Return what stands in the file, page by page; the cover is page 1."""
    out: dict[str, list[dict[str, object]]] = {
        "pages": [], "headings": [], "bullets": [], "tables": [], "blocks": []
    }  # fmt: skip
    cut: str | None = None
    for number, page in enumerate(pages, start=2):
        lines = []
        for place, block in enumerate(page.blocks):
            text, marked = NOTE.sub("", block.text), NOTE.sub(r"\1", block.text)
            if block.kind == "li":
                marked = f"• {marked}"
            if block.kind == "fn":
                marked = f"{block.level} {marked}"
            cells = [" ".join(row) for row in block.rows]
            lines += [one for one in [block.title, marked, *cells] if one]
            if block.kind == "h":
                out["headings"].append({"level": block.level, "text": text, "page": number})
            if block.kind == "li":
                out["bullets"].append({"level": block.level, "text": text, "page": number})
            if block.rows:
                rows = [list(row) for row in block.rows]
                out["tables"].append({"page": number, "caption": text, "rows": rows})
            one = f"b{number}-{place}"
            out["blocks"].append(
                {"id": one, "page": number, "kind": block.kind, "text": text, "cont_of": cut}
            )
            cut = one if block.goes_on else None
        out["pages"].append({"page": number, "text": "\n".join(lines)})
    return (
        {"pdf": f"{name}.pdf", "report": "tangvika", "header": header, "footer": footer}
        | out
        | extra
    )


def save(name: str, data: bytes, pages: Sequence[Page], *, footer: str, **extra: object) -> None:
    (HERE / "pdf" / f"{name}.pdf").write_bytes(data)
    known = truth(name, pages, footer=footer, **extra)
    text = json.dumps(known, ensure_ascii=False, indent=1) + "\n"
    (HERE / "truth" / f"{name}.json").write_text(text, encoding="utf-8")
    print(f"{name}: {len(data) // 1024} kB")


def items_of(blocks: Sequence[Block]) -> list[Block | list[Block]]:
    """Return the blocks with neighbouring items gathered in lists."""
    out: list[Block | list[Block]] = []
    for block in blocks:
        if block.kind != "li":
            out.append(block)
        elif out and isinstance(out[-1], list):
            out[-1].append(block)
        else:
            out.append([block])
    return out


# ---- Typst


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def typst_text(text: str, notes: dict[str, str]) -> str:
    parts = NOTE.split(text)
    out = [f"#{quoted(parts[0])}"]
    for mark, rest in zip(parts[1::2], parts[2::2], strict=True):
        out.append(f"#footnote[#{quoted(notes[mark])}]" + (f"#{quoted(rest)}" if rest else ""))
    return "".join(out)


def typst_list(items: Sequence[Block], level: int = 1) -> str:
    out, place = [], 0
    while place < len(items):
        end = place + 1
        while end < len(items) and items[end].level > level:
            end += 1
        inner = typst_list(items[place + 1 : end], level + 1) if end > place + 1 else ""
        out.append(f"[#{quoted(items[place].text)}{inner}]")
        place = end
    return f"#list({', '.join(out)})"


def typst_block(block: Block | list[Block], notes: dict[str, str]) -> str:
    if isinstance(block, list):
        return typst_list(block)
    text = typst_text(block.text, notes)
    if block.kind == "h":
        return f"#heading(level: {block.level}, {quoted(block.text)})"
    if block.kind == "box":
        return f"#rect(width: 100%, inset: 8pt)[*#{quoted(block.title)}*\n\n{text}]"
    if block.kind == "side":
        return f"#place(top + right, dx: 46mm, dy: 40mm, block(width: 38mm, text(8.5pt)[{text}]))"
    if block.rows:
        cells = ", ".join(f"[#{quoted(cell)}]" for row in block.rows for cell in row)
        table = f"table(columns: {len(block.rows[0])}, {cells})"
        return f"#block[#set text(9pt)\n{text if block.text else ''}\n\n#{table}]"
    return text


def typst_page(page: Page) -> str:
    notes = {str(block.level): block.text for block in page.blocks if block.kind == "fn"}
    blocks = items_of([block for block in page.blocks if block.kind != "fn"])
    sides = [one for one in blocks if isinstance(one, Block) and one.kind == "side"]
    blocks = [*sides, *(one for one in blocks if one not in sides)]
    if page.columns == 1:
        return "\n\n".join(typst_block(one, notes) for one in blocks)
    out: list[str] = []
    column: list[str] = []
    for one in blocks:
        wide = isinstance(one, Block) and one.wide
        if wide and column:
            out.append(typst_columns(column, 62))
            column = []
        (out if wide else column).append(typst_block(one, notes))
    return "\n\n".join([*out, typst_columns(column, 26)])


def typst_columns(column: Sequence[str], height_mm: int) -> str:
    return f"#block(height: {height_mm}mm, columns(2)[" + "\n\n".join(column) + "])"


TYPST = """#set document(title: %s)
#set page(margin: (left: 22mm, right: %smm, top: 25mm, bottom: 22mm),
  header: context if counter(page).get().first() > 1 [#text(8pt)[%s]],
  footer: context if counter(page).get().first() > 1 [#align(center, text(8pt, counter(page).display()))])
#set text(10.5pt, lang: "nb", hyphenate: %s)
#set par(justify: true)
#show heading.where(level: 1): set text(16pt)
#show heading.where(level: 2): set text(12.5pt)
#set list(marker: ([•], [◦], [–]))
#align(center + horizon)[%s]
#pagebreak()
%s
"""


def typst(pages: Sequence[Page], *, tags: bool, hyphenate: bool, right_mm: int = 22) -> bytes:
    import typst as compiler

    cover = "\n\n".join(
        f"#text({size}pt)[#{quoted(line)}]"
        for size, line in zip((26, 14, 11, 11, 11), COVER, strict=True)
    )
    body = "\n\n#pagebreak()\n\n".join(typst_page(page) for page in pages)
    head = f"#{quoted(RUNNING)}"
    source = TYPST % (quoted(COVER[0]), right_mm, head, str(hyphenate).lower(), cover, body)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.typ"
        path.write_text(source, encoding="utf-8")
        return compiler.compile(str(path), pdf_tags=tags, timestamp=0)  # type: ignore[no-any-return, call-overload]


BOOK_TYPST = """#set document(title: %s)
#set page(width: 170mm, height: 240mm, margin: (inside: 30mm, outside: 20mm, top: 24mm, bottom: 24mm),
  header: context if counter(page).get().first() > 1 {
    let heads = query(heading.where(level: 1).before(here()))
    if calc.odd(counter(page).get().first()) [#text(8pt, style: "italic")[#if heads.len() > 0 { heads.last().body } #h(1fr) #counter(page).display()]]
    else [#text(8pt)[#counter(page).display() #h(1fr) %s]] })
#set text(10pt, lang: "en", hyphenate: true)
#set par(justify: true, first-line-indent: 5mm, spacing: 0.65em)
#show heading: set text(10pt)
#show heading.where(level: 1): set text(15pt)
#show heading.where(level: 2): set text(style: "italic")
#show heading: set block(above: 1.6em, below: 0.9em)
#set enum(numbering: "1.")
#align(center + horizon)[%s]
#pagebreak()
%s
"""


def typst_book(pages: Sequence[Page]) -> bytes:
    """Paragraphs told by an indent alone, mirrored margins, heads that change, a numbered list."""
    import typst as compiler

    cover = "\n\n".join(f"#text({size}pt)[#{quoted(line)}]" for size, line in zip((22, 13, 10, 10, 10), BOOK_COVER, strict=True))  # fmt: skip
    body = "\n\n#pagebreak()\n\n".join(typst_page(page) for page in pages)
    body = body.replace("#list(", "#enum(")
    source = BOOK_TYPST % (quoted(BOOK_COVER[0]), f"#{quoted(BOOK_RUNNING)}", cover, body)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.typ"
        path.write_text(source, encoding="utf-8")
        return compiler.compile(str(path), pdf_tags=False, timestamp=0)  # type: ignore[no-any-return, call-overload]


# ---- LibreOffice


def odt_styles(pages: Sequence[Page]) -> str:
    def master(name: str, size: str) -> str:
        return (
            f'<style:page-layout style:name="{name}L"><style:page-layout-properties {size} '
            'fo:margin-top="15mm" fo:margin-bottom="15mm" fo:margin-left="25mm" fo:margin-right="25mm"/>'
            '<style:header-style><style:header-footer-properties fo:min-height="10mm"/></style:header-style>'
            '<style:footer-style><style:header-footer-properties fo:min-height="10mm"/></style:footer-style>'
            "</style:page-layout>"
        )

    a4 = 'fo:page-width="210mm" fo:page-height="297mm"'
    wide = 'fo:page-width="297mm" fo:page-height="210mm" style:print-orientation="landscape"'
    return master("P", a4) + master("W", wide) + master("C", a4)


def odt_text(text: str, notes: dict[str, str]) -> str:
    parts = NOTE.split(text)
    out = [html.escape(parts[0])]
    for mark, rest in zip(parts[1::2], parts[2::2], strict=True):
        note = f'<text:p text:style-name="Note">{html.escape(notes[mark])}</text:p>'
        out.append(
            f'<text:note text:note-class="footnote"><text:note-citation>{mark}</text:note-citation>'
            f"<text:note-body>{note}</text:note-body></text:note>{html.escape(rest)}"
        )
    return "".join(out)


def odt_list(items: Sequence[Block], level: int = 1) -> str:
    out, place = [], 0
    while place < len(items):
        end = place + 1
        while end < len(items) and items[end].level > level:
            end += 1
        inner = odt_list(items[place + 1 : end], level + 1) if end > place + 1 else ""
        text = html.escape(items[place].text)
        out.append(
            f'<text:list-item><text:p text:style-name="Item">{text}</text:p>{inner}</text:list-item>'
        )
        place = end
    return f'<text:list text:style-name="Dots">{"".join(out)}</text:list>'


def odt_rows(block: Block) -> str:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string"><text:p text:style-name="Cell">'
            f"{html.escape(cell)}</text:p></table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in block.rows
    )
    return (
        f'<table:table><table:table-column table:number-columns-repeated="{len(block.rows[0])}"/>'
        f"{rows}</table:table>"
    )


def odt_block(block: Block | list[Block], notes: dict[str, str], style: str, side: str) -> str:
    if isinstance(block, list):
        return odt_list(block)
    text = side + odt_text(block.text, notes)
    if block.kind == "h":
        return f'<text:h text:style-name="{style or f"H{block.level}"}" text:outline-level="{block.level}">{text}</text:h>'
    if block.kind == "box":
        title = html.escape(block.title)
        return f'<text:p text:style-name="BoxTitle">{title}</text:p><text:p text:style-name="Box">{text}</text:p>'
    if block.rows:
        caption = f'<text:p text:style-name="Caption">{text}</text:p>' if block.text else ""
        anchor = f'<text:p text:style-name="{style}"/>' if style and not caption else ""
        return anchor + caption + odt_rows(block)
    return f'<text:p text:style-name="{style or "Body"}">{text}</text:p>'


def odt_side(block: Block) -> str:
    return (
        '<draw:frame draw:style-name="Side" text:anchor-type="paragraph" svg:width="22mm" svg:height="50mm" '
        'svg:x="162mm" svg:y="8mm"><draw:text-box><text:p text:style-name="SideText">'
        f"{html.escape(block.text)}</text:p></draw:text-box></draw:frame>"
    )


def odt_page(page: Page) -> str:
    notes = {str(block.level): block.text for block in page.blocks if block.kind == "fn"}
    sides = "".join(odt_side(block) for block in page.blocks if block.kind == "side")
    out = []
    for place, block in enumerate(
        items_of([b for b in page.blocks if b.kind not in {"fn", "side"}])
    ):
        style, side = "", ""
        if place == 0:
            level = block.level if isinstance(block, Block) and block.kind == "h" else 0
            style = f"{'W' if page.landscape else 'N'}{level}"
        if place == 1:
            side, sides = sides, ""
        out.append(odt_block(block, notes, style, side))
    return "".join(out)


def odt_head_foot() -> str:
    head = f'<style:header><text:p text:style-name="Small">{html.escape(RUNNING)}</text:p></style:header>'
    foot = '<style:footer><text:p text:style-name="Small">Side <text:page-number/></text:p></style:footer>'
    return "".join(
        f'<style:master-page style:name="{name}" style:page-layout-name="{name}L">'
        f"{head + foot if name != 'C' else ''}</style:master-page>"
        for name in "PWC"
    )


def odt_paragraph_styles() -> str:
    def style(
        name: str,
        size: float,
        *,
        bold: bool = False,
        gap: float = 2.5,
        extra: str = "",
        attributes: str = "",
    ) -> str:
        weight = ' fo:font-weight="bold"' if bold else ""
        return (
            f'<style:style style:name="{name}" style:family="paragraph" {attributes}>'
            f'<style:paragraph-properties fo:margin-top="{gap / 2}mm" fo:margin-bottom="{gap}mm" {extra}/>'
            f'<style:text-properties style:font-name="Carlito" fo:font-family="Liberation Serif" fo:font-size="{size}pt"{weight}/>'
            "</style:style>"
        )

    new, wide = 'style:master-page-name="P"', 'style:master-page-name="W"'
    return "".join(
        [
            style("Body", 11), style("H1", 16, bold=True), style("H2", 13, bold=True),
            style("N0", 11, attributes=new), style("N1", 16, bold=True, attributes=new),
            style("W1", 16, bold=True, attributes=wide), style("Item", 11, gap=1),
            style("Cell", 9.5, gap=0.5), style("Caption", 9.5), style("Small", 8, gap=0),
            style("Note", 9, gap=0), style("SideText", 8, gap=0), style("Cover", 24, gap=8, attributes='style:master-page-name="C"'),
            style("CoverSmall", 13, gap=6),
            style("BoxTitle", 11, bold=True, gap=1, extra='fo:border="0.5pt solid #336" fo:padding="2mm" style:join-border="true"'),
            style("Box", 11, gap=4, extra='fo:border="0.5pt solid #336" fo:padding="2mm" style:join-border="true"'),
        ]
    )  # fmt: skip


def odt(pages: Sequence[Page]) -> str:
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
        for short, long in (("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
    ) + ' xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0" xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'  # fmt: skip
    bullets = "".join(
        f'<text:list-level-style-bullet text:level="{level}" text:bullet-char="{glyph}">'
        '<style:list-level-properties text:list-level-position-and-space-mode="label-alignment">'
        f'<style:list-level-label-alignment text:label-followed-by="listtab" fo:text-indent="-6mm" fo:margin-left="{6 + 7 * level}mm"/>'
        "</style:list-level-properties></text:list-level-style-bullet>"
        for level, glyph in ((1, "•"), (2, "o"), (3, "▪"))
    )
    side = (
        '<style:style style:name="Side" style:family="graphic"><style:graphic-properties style:wrap="run-through" '
        'style:horizontal-pos="from-left" style:horizontal-rel="paragraph" style:vertical-pos="from-top" '
        'style:vertical-rel="paragraph" draw:stroke="none" fo:border="none"/></style:style>'
    )
    cover = "".join(
        f'<text:p text:style-name="{"Cover" if not place else "CoverSmall"}">{html.escape(line)}</text:p>'
        for place, line in enumerate(COVER)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {spaces} office:version="1.2" '
        'office:mimetype="application/vnd.oasis.opendocument.text">'
        f'<office:styles>{odt_paragraph_styles()}<text:list-style style:name="Dots">{bullets}</text:list-style></office:styles>'
        f"<office:automatic-styles>{odt_styles(pages)}{side}</office:automatic-styles>"
        f"<office:master-styles>{odt_head_foot()}</office:master-styles><office:body><office:text>"
        f"{cover}{''.join(odt_page(page) for page in pages)}</office:text></office:body></office:document>"
    )


def libreoffice(pages: Sequence[Page], *, tagged: bool) -> bytes:
    options = json.dumps({"UseTaggedPDF": {"type": "boolean", "value": str(tagged).lower()}})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.fodt"
        path.write_text(odt(pages), encoding="utf-8")
        run("soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
            "--convert-to", f"pdf:writer_pdf_Export:{options}", "--outdir", folder, str(path))  # fmt: skip
        return path.with_suffix(".pdf").read_bytes()


# ---- fpdf2


def fpdf(pages: Sequence[Page]) -> bytes:
    """Dots are drawn, not written; a stamp lies across every page."""
    from fpdf import FPDF

    class Report(FPDF):
        def header(self) -> None:
            if self.page_no() > 1:
                self.set_font("Sans", size=8)
                self.set_xy(22, 10)
                self.cell(text=RUNNING)
                with self.rotation(50, self.w / 2, self.h / 2):
                    self.set_font("Sans", "B", 40)
                    self.set_text_color(225)
                    self.text(self.w / 2 - 75, self.h / 2, STAMP)
                    self.set_text_color(0)
                self.set_xy(22, 24)

        def footer(self) -> None:
            if self.page_no() > 1:
                self.set_font("Sans", size=8)
                self.set_xy(self.w - 30, -15)
                self.cell(text=f"{self.page_no()}")

    pdf = Report()
    pdf.set_creation_date(datetime(2022, 3, 1, tzinfo=UTC))
    pdf.add_font("Sans", "", SANS)
    pdf.add_font("Sans", "B", SANS_BOLD)
    pdf.set_margins(22, 24, 22)
    pdf.set_auto_page_break(False)
    pdf.add_page()
    for size, line in zip((24, 13, 10, 10, 10), COVER, strict=True):
        pdf.set_font("Sans", size=size)
        pdf.multi_cell(0, size * 0.6, line, new_x="LMARGIN", new_y="NEXT")
    for page in pages:
        pdf.add_page(orientation="L" if page.landscape else "P")
        for block in page.blocks:
            fpdf_block(pdf, block)
    return bytes(pdf.output())


def fpdf_block(pdf: "FPDF", block: Block) -> None:  # type: ignore[name-defined] # noqa: F821
    def write(
        text: str, size: float, style: str = "", x: float = 22, gap: float = 2, width: float = 0
    ) -> None:
        pdf.set_font("Sans", style, size)
        pdf.set_x(x)
        pdf.multi_cell(width, size * 0.48, text, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.set_y(pdf.get_y() + gap)

    if block.kind == "h":
        pdf.set_y(pdf.get_y() + 3)
        write(block.text, 15 if block.level == 1 else 11.5, "B")
    elif block.kind == "li":
        x = 20 + 6 * block.level
        pdf.set_fill_color(0)
        pdf.circle(x=x + 0.6, y=pdf.get_y() + 2.4, radius=0.6, style="F")
        write(block.text, 10, x=x + 4, gap=1)
    elif block.kind == "box":
        write(block.title, 10, "B", x=26, gap=0.5)
        write(block.text, 10, x=26, gap=4)
    elif block.kind == "fn":
        top = pdf.get_y()
        pdf.set_y(pdf.h - 30)
        write(f"{block.level} {block.text}", 7.5)
        pdf.set_y(top)
    elif block.kind == "side":
        top = pdf.get_y()
        pdf.set_y(60)
        write(block.text, 7, x=176, width=28)
        pdf.set_y(top)
    elif block.rows:
        if block.text:
            write(block.text, 8.5)
        pdf.set_font("Sans", size=8.5)
        for row in block.rows:
            for place, cell in enumerate(row):
                pdf.set_x(22 + place * 36)
                pdf.cell(36, 5.5, cell, border=1)
            pdf.ln()
        pdf.set_y(pdf.get_y() + 3)
    else:
        mark = NOTE.search(block.text)
        text = NOTE.sub("", block.text)
        write(text, 10, gap=2 if not mark else 0)
        if mark:
            pdf.set_font("Sans", size=6)
            pdf.set_y(pdf.get_y() + 2)


# ---- Chromium


CSS = """@page { size: A4; margin: 0 }
body { font: 10.5pt/1.4 'Liberation Serif'; margin: 0; hyphens: manual; text-align: justify }
section { break-after: page; position: relative; height: 297mm; box-sizing: border-box; padding: 24mm 52mm 22mm 22mm }
section:last-child { break-after: auto } section:first-child { height: 250mm }
h1 { font: bold 16pt 'Liberation Sans'; margin: 5mm 0 2mm } h2 { font: bold 12pt 'Liberation Sans'; margin: 4mm 0 2mm }
p { margin: 0 0 2.5mm } ul { margin: 0 0 2mm; padding-left: 7mm; text-align: left }
table { border-collapse: collapse; font-size: 9pt } td { border: .5pt solid #666; padding: 1mm 2mm }
.caption { font-size: 9pt; font-style: italic } .box { border: 1pt solid #357; padding: 2mm 3mm; margin: 2mm 0 }
.box b { display: block } .side { position: absolute; left: 165mm; top: 45mm; width: 36mm; font-size: 8pt; text-align: left }
.fn { position: absolute; bottom: 22mm; font-size: 8pt } sup { font-size: 65% }
.head { position: absolute; top: 11mm; font-size: 8pt } .foot { position: absolute; bottom: 11mm; font-size: 8pt }
"""
SOFT = {"omstillingsområde": "om&shy;stil&shy;lings&shy;om&shy;råde", "arbeidsplass": "arbeids&shy;plass",
        "undersøkelsen": "under&shy;sø&shy;kel&shy;sen", "stedfortreder": "sted&shy;for&shy;tre&shy;der",
        "varamedlemmer": "vara&shy;med&shy;lem&shy;mer", "næringslivet": "nærings&shy;li&shy;vet"}  # fmt: skip


def html_text(text: str) -> str:
    text = NOTE.sub(r"<sup>\1</sup>", html.escape(text))
    for whole, parted in SOFT.items():
        text = text.replace(whole, parted)
    return text


def html_list(items: Sequence[Block], level: int = 1) -> str:
    out, place = [], 0
    while place < len(items):
        end = place + 1
        while end < len(items) and items[end].level > level:
            end += 1
        inner = html_list(items[place + 1 : end], level + 1) if end > place + 1 else ""
        out.append(f"<li>{html_text(items[place].text)}{inner}</li>")
        place = end
    return f"<ul>{''.join(out)}</ul>"


def html_block(block: Block | list[Block]) -> str:
    if isinstance(block, list):
        return html_list(block)
    text = html_text(block.text)
    if block.kind == "h":
        return f"<h{block.level}>{text}</h{block.level}>"
    if block.kind == "box":
        return f"<div class=box><b>{html.escape(block.title)}</b>{text}</div>"
    if block.kind in {"side", "fn"}:
        mark = f"<sup>{block.level}</sup> " if block.kind == "fn" else ""
        return f"<div class={block.kind}>{mark}{text}</div>"
    if block.rows:
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in block.rows
        )
        caption = f"<p class=caption>{text}</p>" if text else ""
        return f"{caption}<table>{rows}</table>"
    return f"<p>{text}</p>"


def chromium(pages: Sequence[Page]) -> bytes:
    """Untagged, so that nothing but a drawn dot tells an item."""
    cover = "".join(f"<p style='font-size:{s}pt'>{html.escape(line)}</p>" for s, line in zip((26, 14, 11, 11, 11), COVER, strict=True))  # fmt: skip
    body = "".join(
        f"<section><div class=head>{html.escape(RUNNING)}</div>"
        + "".join(html_block(one) for one in items_of(page.blocks))
        + f"<div class=foot>Side {number}</div></section>"
        for number, page in enumerate(pages, start=2)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.html"
        path.write_text(
            f"<!doctype html><html lang=nb><meta charset=utf-8><title>{COVER[0]}</title><style>{CSS}</style>"
            f"<section>{cover}</section>{body}",
            encoding="utf-8",
        )
        target = path.with_suffix(".pdf")
        run("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-pdf-tagging",
            "--no-pdf-header-footer", f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", path.as_uri())  # fmt: skip
        return target.read_bytes()


# ---- rewritten


def rewritten(data: bytes, command: Callable[[str, str], Sequence[str]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.pdf", Path(folder) / "out.pdf"
        source.write_bytes(data)
        run(*command(str(source), str(target)))
        return target.read_bytes()


def by_ghostscript(source: str, target: str) -> Sequence[str]:
    return (
        "gs",
        "-q",
        "-dBATCH",
        "-dNOPAUSE",
        "-dSAFER",
        "-sDEVICE=pdfwrite",
        f"-sOutputFile={target}",
        source,
    )


def by_qpdf(source: str, target: str) -> Sequence[str]:
    return (
        "qpdf",
        "--linearize",
        "--object-streams=generate",
        "--deterministic-id",
        source,
        target,
    )


def run(*command: str) -> None:
    if shutil.which(command[0]) is None:
        sys.exit(f"{command[0]} is not installed")
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def main() -> None:
    (HERE / "pdf").mkdir(exist_ok=True)
    (HERE / "truth").mkdir(exist_ok=True)
    upright = (FIRST, SECOND, THIRD, FOURTH)
    number, side = "Side N", "N"
    save(
        "typst_font_only",
        typst(upright, tags=False, hyphenate=True, right_mm=55),
        upright,
        footer=side,
        font_only=True,
    )
    with_columns = (FIRST, COLUMNS, FOURTH)
    save(
        "typst_columns",
        typst(with_columns, tags=False, hyphenate=True),
        with_columns,
        footer=side,
        font_only=True,
    )
    save(
        "typst_tagged", typst(upright, tags=True, hyphenate=True, right_mm=55), upright, footer=side
    )
    turned = (*upright, FIFTH)
    untagged = libreoffice(turned, tagged=False)
    save("writer_untagged", untagged, turned, footer=number, font_only=True)
    tagged = libreoffice(turned, tagged=True)
    save("writer_tagged_qpdf", rewritten(tagged, by_qpdf), turned, footer=number)
    save(
        "writer_ghostscript",
        rewritten(untagged, by_ghostscript),
        turned,
        footer=number,
        font_only=True,
    )
    save("fpdf_stamp", fpdf(turned), turned, footer=side, font_only=True)
    save("chromium_untagged", chromium(upright), upright, footer=number, font_only=True)
    save("typst_book", typst_book(BOOK), BOOK, footer="N", header=BOOK_RUNNING, font_only=True)


if __name__ == "__main__":
    main()
