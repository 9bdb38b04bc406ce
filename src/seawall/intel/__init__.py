"""Others' knowledge taken in. Comes in: files, folders, bytes of peers. Goes out: stored objects, match keys, a report.

Never here: the decision what may leave, matching, network. The store, the warninglists and the progress bar are handed
in; formats live in ``codec``.

    report = import_paths([Path("feeds")], store, ImportOptions(at=clock()))
    report.new, report.updated, report.rejected
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.intel.checking import check_path, read_document
    from seawall.intel.extracting import extract_path
    from seawall.intel.importing import import_paths
    from seawall.intel.interface import (
        ImportOptions,
        ImportReport,
        IndicatorSink,
        ObjectSink,
        Progress,
        Sink,
        TaxonomySink,
        WarninglistSink,
    )
    from seawall.intel.stix_import import put_bundle
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "checking": ("check_path", "read_document"),
            "extracting": ("extract_path",),
            "importing": ("import_paths",),
            "interface": (
                "ImportOptions",
                "ImportReport",
                "IndicatorSink",
                "ObjectSink",
                "Progress",
                "Sink",
                "TaxonomySink",
                "WarninglistSink",
            ),
            "stix_import": ("put_bundle",),
        },
    )

__all__ = [
    "ImportOptions",
    "ImportReport",
    "IndicatorSink",
    "ObjectSink",
    "Progress",
    "Sink",
    "TaxonomySink",
    "WarninglistSink",
    "check_path",
    "extract_path",
    "import_paths",
    "put_bundle",
    "read_document",
]
