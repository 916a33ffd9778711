"""Why a letter did not become a fax, in words an administrator can act on."""

from gateway.domain import RingwellError


class DocumentError(RingwellError):
    """A letter did not become a fax."""


class BadDocumentError(DocumentError):
    """This letter can never be faxed as it is (an unreadable PDF, too many pages)."""


class RenderingError(DocumentError):
    """Rendering failed for a reason of this machine (disk, memory); later it may work."""
