"""Why a letter did not become a fax, in words an administrator can act on."""

from gateway.domain import RingwellError

# What to do about a document that is too much for a fax machine's page.
SIMPLER = "split it, or save it at 300 dpi in black and white"


def too_long(pages: int, most: int) -> str:
    """That a fax has too many pages."""
    return f"a fax of {pages} pages is longer than the {most} allowed: split it, or raise max_pages in [fax]"


class DocumentError(RingwellError):
    """A letter did not become a fax."""


class BadDocumentError(DocumentError):
    """This letter can never be faxed as it is (an unreadable PDF, too many pages)."""


class RenderingError(DocumentError):
    """Rendering failed for a reason of this machine (disk, memory); later it may work."""
