"""Which front-end files are served: the few built files of the npm packages, copied to ``static/vendor``.

``python -m views.assets`` copies what is missing or different and removes what is not on the list, so nothing of a
package is reachable in a browser unless it stands here. Run it after ``npm ci``; a second run finds nothing to do.
"""

from __future__ import annotations

import filecmp
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "views" / "static" / "vendor"

FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler-icons.min.css": "@tabler/icons-webfont/dist/tabler-icons.min.css",
    # The style sheet also names .woff and .ttf; every browser that can draw the rest of it takes the first, .woff2.
    "fonts/tabler-icons.woff2": "@tabler/icons-webfont/dist/fonts/tabler-icons.woff2",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "tom-select.min.css": "tom-select/dist/css/tom-select.bootstrap5.min.css",
    "tom-select.min.js": "tom-select/dist/js/tom-select.complete.min.js",
    "pdfjs/pdf.min.mjs": "pdfjs-dist/legacy/build/pdf.min.mjs",
    "pdfjs/pdf.worker.min.mjs": "pdfjs-dist/legacy/build/pdf.worker.min.mjs",
}
FOLDERS = {
    # Which characters and shapes a PDF means that embeds no font of its own: most Chinese ones of office programs' older versions.
    "pdfjs/cmaps": "pdfjs-dist/cmaps",
    "pdfjs/standard_fonts": "pdfjs-dist/standard_fonts",
    # What decodes scanned pages (JPEG 2000, JBIG2).
    "pdfjs/wasm": "pdfjs-dist/wasm",
}
"""Whole folders that a script asks for by name."""


def copy_assets(packages: Path = PACKAGES, vendor: Path = VENDOR) -> list[str]:
    """Bring ``vendor`` in line with the list; the names of the files that were copied."""
    missing = [source for source in (*FILES.values(), *FOLDERS.values()) if not (packages / source).exists()]
    if missing:
        raise FileNotFoundError(f"Front-end packages are not installed (run `npm ci`): {', '.join(missing)}")
    wanted = wanted_files(packages)
    copied = [name for name, source in wanted.items() if _copy(source, vendor / name)]
    _remove_others(vendor, wanted)
    return copied


def wanted_files(packages: Path) -> dict[str, Path]:
    """Name below ``vendor`` → the file it is copied from."""
    found = {name: packages / source for name, source in FILES.items()}
    for name, folder in FOLDERS.items():
        found |= {f"{name}/{path.name}": path for path in sorted((packages / folder).iterdir()) if path.is_file()}
    return found


def _copy(source: Path, target: Path) -> bool:
    """Copy unless the same file (size and time) is already there."""
    if target.is_file() and filecmp.cmp(source, target):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    return True


def _remove_others(vendor: Path, wanted: Mapping[str, Path]) -> None:
    for path in vendor.rglob("*"):
        if path.is_file() and path.relative_to(vendor).as_posix() not in wanted:
            path.unlink()


def main() -> int:
    try:
        copied = copy_assets()
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(copied)} front-end files copied")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
