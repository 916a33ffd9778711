"""Letters become fax pages: a cover and a body in one TIFF-F.

`gateway.documents.fax` is the way in. Pillow and PDFium only run in processes with limits
(`gateway.documents.worker`), one for each letter.
"""
