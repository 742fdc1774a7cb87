"""What a page may load and do: its Content-Security-Policy (W3C CSP 3)."""

from typing import Final

PAGE_POLICY: Final = (
    "default-src 'none'; object-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "manifest-src 'self'; "
    "frame-ancestors 'none'"
)
"""Of every page that has no words of its own."""

CHECK_POLICY: Final = (
    "default-src 'none'; object-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""Of the page with the camera: it reads codes by WebAssembly, of pictures that it took."""


def with_images(origin: str) -> str:
    """Return the policy of a page whose pictures come from one other place too."""
    return PAGE_POLICY.replace("img-src 'self'", f"img-src 'self' {origin}")
