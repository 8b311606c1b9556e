"""Fetch the front end's foreign files anew: ``python -m web.vendor`` (needs npm).

Never needed at run time. Everything lands in ``static/vendor`` with a manifest of versions,
licences and SHA-256 sums, which the tests compare with the files without a network. To move to a
new version, change the number here, run the module, and read the diff.
"""

import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_VENDOR = _HERE / "static" / "vendor"
_THEME_CONFIG = _HERE / "vendor.theme.json"
_THEME_TOOL = "@digdir/designsystemet"
_THEME_TOOL_VERSION = "1.15.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """An npm package and the files we take from it: path in the package → name in the folder.

    ``licence_file`` is None where the package ships none; its text is then kept by hand.
    """

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str], ...]
    licence_file: str | None = "LICENSE"

    @property
    def licence_copy(self) -> str:
        """The name of the licence text in our folder."""
        return f"licences/{self.name.strip('@').replace('/', '-')}.txt"


PACKAGES = (
    Package(
        name="@digdir/designsystemet-css",
        version="1.22.0",
        licence="MIT",
        files=(("dist/src/index.css", "designsystemet.css"),),
    ),
    Package(
        name="htmx.org",
        version="4.0.1",
        licence="0BSD",
        files=(("dist/htmx.min.js", "htmx.min.js"), ("dist/ext/hx-csp.min.js", "hx-csp.min.js")),
    ),
    Package(
        name="@fontsource-variable/inter",
        version="5.3.0",
        licence="OFL-1.1",
        files=(
            ("files/inter-latin-wght-normal.woff2", "inter-latin-wght-normal.woff2"),
            ("files/inter-latin-ext-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2"),
        ),
    ),
)
ICONS = Package(
    name="@navikt/aksel-icons",
    version="8.16.2",
    licence="MIT",
    licence_file=None,
    files=tuple(
        (f"dist/svg/{name}.svg", name)
        for name in (
            *("ArrowRight", "Books", "Buildings3", "CheckmarkCircle", "ChevronLeft"),
            *("ChevronRight", "ExclamationmarkTriangle", "FilePdf", "FileText", "Funnel"),
            *("Information", "LightBulb", "Link", "Table", "Tag", "Weight", "XMark"),
        )
    ),
)
_SPRITE = "icons.svg"
_THEME = "theme.css"


def main() -> None:
    """Fetch all packages, build the theme and the icon sprite, and write the manifest."""
    (_VENDOR / "licences").mkdir(parents=True, exist_ok=True)
    entries = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for package in PACKAGES:
            root = _unpack(package, work)
            for source, name in package.files:
                shutil.copyfile(root / source, _VENDOR / name)
                entries.append(_entry(name, package))
            _keep_licence(package, root)
        (_VENDOR / _SPRITE).write_text(_sprite(_unpack(ICONS, work)), encoding="utf-8")
        entries.append(_entry(_SPRITE, ICONS))
        shutil.copyfile(_theme(work), _VENDOR / _THEME)
        tool = Package(
            name=_THEME_TOOL,
            version=_THEME_TOOL_VERSION,
            licence="MIT",
            files=(),
            licence_file=None,
        )
        entries.append(_entry(_THEME, tool))
    manifest = json.dumps({"files": entries}, indent=2, ensure_ascii=False)
    (_VENDOR / "VENDOR.json").write_text(manifest + "\n", encoding="utf-8")


def _run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words and our own versions
    return done.stdout


def _unpack(package: Package, work: Path) -> Path:
    packed = _run("npm", "pack", "--silent", f"{package.name}@{package.version}", cwd=work)
    root = work / package.licence_copy.replace("/", "-")
    with tarfile.open(work / packed.strip().splitlines()[-1]) as archive:
        archive.extractall(root, filter="data")
    return root / "package"


def _keep_licence(package: Package, root: Path) -> None:
    if package.licence_file:
        shutil.copyfile(root / package.licence_file, _VENDOR / package.licence_copy)


def _sprite(root: Path) -> str:
    """Return one SVG with every icon as a symbol, for pages to refer to."""
    symbols = []
    for source, name in ICONS.files:
        svg = (root / source).read_text(encoding="utf-8")
        inner = re.sub(r"^<svg[^>]*>|</svg>\s*$", "", svg.strip()).strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24" fill="none">{inner}</symbol>')
    body = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'


def _theme(work: Path) -> Path:
    folder = work / "theme"
    folder.mkdir()
    shutil.copyfile(_THEME_CONFIG, folder / "theme.json")
    _run("npm", "install", "--silent", f"{_THEME_TOOL}@{_THEME_TOOL_VERSION}", cwd=folder)
    tool = str(folder / "node_modules" / ".bin" / "designsystemet")
    _run(tool, "tokens", "create", "--config", "theme.json", cwd=folder)
    _run(tool, "tokens", "build", cwd=folder)
    return folder / "design-tokens-build" / "erfaringsbanken.css"


def _entry(name: str, package: Package) -> dict[str, str]:
    digest = hashlib.sha256((_VENDOR / name).read_bytes()).hexdigest()
    return {
        "file": name,
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "licence_text": "licences/digdir-designsystemet-css.txt"
        if package.name == _THEME_TOOL
        else package.licence_copy,
        "sha256": digest,
    }


if __name__ == "__main__":
    main()
