"""Exports: a run's student for the library that will run it, loaded back and compared.

transformers
    `distill.exports.transformers_folder`
sam3-litetext
    `distill.exports.sam3_litetext`
efficientsam3
    `distill.exports.efficientsam3`
onnx
    `distill.exports.onnx_files`
"""

from distill.exports.export import FORMATS, Exported, export
from distill.exports.record import FILE_NAME, Comparison, Record, read_record

__all__ = [
    "FILE_NAME",
    "FORMATS",
    "Comparison",
    "Exported",
    "Record",
    "export",
    "read_record",
]
