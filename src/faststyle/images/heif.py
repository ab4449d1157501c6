"""HEIC files: more than 8 bits, and colors that stand only in the picture's own data."""

from typing import IO, Any

import numpy as np
import pillow_heif

from faststyle.images.boxes import bitstream_colors
from faststyle.images.samples import SampledFile, Samples, samples_of


class HeifFile(SampledFile, pillow_heif.HeifImageFile):
    """A HEIC file; its plug-in applies crop and rotation."""

    def _open(self) -> None:
        file: Any = self.fp
        super()._open()  # type: ignore[no-untyped-call]
        if not self.info.get("nclx_profile") and not self.info.get("icc_profile"):
            file.seek(0)
            self.info["nclx_profile"] = bitstream_colors(file.read())

    @property
    def bit_depth(self) -> int:
        """Bits of a channel as it is read: 8 or 16."""
        return 16 if self.info.get("bit_depth", 8) > 8 else 8

    def read_samples(self, file: IO[bytes]) -> Samples:
        """Decode the primary picture by libheif."""
        image = pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)
        samples = samples_of(np.asarray(image), self.info["bit_depth"])
        return samples._replace(is_premultiplied=image.mode.startswith("RGBa"))
