"""A job becomes a file: body, cover, pages in order. Workers only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
from PIL.Image import Image

from gateway.documents import letter
from gateway.documents.errors import BadDocumentError, RenderingError, too_long
from gateway.documents.job import Job
from gateway.documents.picture import Picture
from gateway.documents.raster import fax_page
from gateway.documents.sheet import Sheets
from gateway.documents.tiff import TiffWriter


def render(job: Job) -> int:
    """Write the fax; how many pages it has."""
    with Sheets() as front, Sheets() as text:
        covers = 1 if job.cover else 0
        body = _opened(job) if job.document else text.document
        if not job.document:
            letter.set_text(text, job.subject, job.text, job.max_pages - covers)
        pages = len(body) + covers
        if len(body) == 0:
            raise BadDocumentError("the document to fax has no page")
        if pages > job.max_pages:
            raise BadDocumentError(too_long(pages, job.max_pages))
        if job.cover:
            letter.set_cover(front, job.cover, pages)
        with TiffWriter(Path(job.output), pages, job.fine) as tiff:
            for page in _pages(front.document, job, dithered=False):
                tiff.add(page)
            for page in _body_pages(body, job):
                tiff.add(page)
    return pages


def _body_pages(body: pypdfium2.PdfDocument | Picture, job: Job) -> Iterator[Image]:
    return body.pages(job.fine) if isinstance(body, Picture) else _pages(body, job, bool(job.document))


def _pages(document: pypdfium2.PdfDocument, job: Job, dithered: bool) -> Iterator[Image]:
    for number in range(len(document)):
        try:
            page = document[number]
        except pypdfium2.PdfiumError as error:
            raise BadDocumentError(
                f"page {number + 1} of the PDF to fax cannot be read: print it to a new PDF"
            ) from error
        yield fax_page(page, job.fine, dithered)
        # A hundred open pages are a hundred pages in memory.
        page.close()


def _opened(job: Job) -> pypdfium2.PdfDocument | Picture:
    data = Path(job.document).read_bytes()
    if hashlib.sha256(data).hexdigest() != job.digest:
        raise RenderingError("the document to fax was being replaced while it was read")
    # A PDF may have something before its mark.
    return _opened_pdf(data) if b"%PDF-" in data[:1024] else Picture(data)


def _opened_pdf(data: bytes) -> pypdfium2.PdfDocument:
    try:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()
    except pypdfium2.PdfiumError as error:
        locked = "assword" in str(error) or "ncrypt" in str(error)
        raise BadDocumentError(
            "the PDF to fax is locked with a password: save it without one"
            if locked
            else "the PDF to fax cannot be read: is it a PDF? Print it to a new one"
        ) from error
    return document
