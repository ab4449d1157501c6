"""Photos as a loader wants them: a crop for each place in the run, or for each held-out photo."""

from torch import Tensor
from torch.utils.data import Dataset

from faststyle.core.chance import Purpose, numpy_generator
from faststyle.data.sampler import SampleIndex
from faststyle.data.source import CropDataset


class TrainingCrops(Dataset[Tensor]):
    """Random crops, each a function of the seed and of its place in the run."""

    def __init__(self, photos: CropDataset, seed: int) -> None:
        self.photos, self.seed = photos, seed

    def __getitem__(self, draw: SampleIndex) -> Tensor:
        """The crop of one draw: uint8 (3, size, size)."""
        # Seeded by the place in the run: the crop is the same in any process, and after a resume.
        generator = numpy_generator(self.seed, Purpose.CROP, draw.position)
        return self.photos.random_crop(draw.photo, generator)


class HeldOutCrops(Dataset[Tensor]):
    """Center crops of the first ``count`` photos, or of as many as there are."""

    def __init__(self, photos: CropDataset, count: int) -> None:
        self.photos = photos
        self.count = min(count, len(photos))

    def __getitem__(self, index: int) -> Tensor:
        """The crop of one photo: uint8 (3, size, size)."""
        return self.photos.center_crop(index)

    def __len__(self) -> int:
        return self.count
