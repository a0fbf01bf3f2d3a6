"""The whole model: pictures become embeddings, take their places among the words, and are read."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zamba2_vl.config import Zamba2VLConfig
from zamba2_vl.errors import ConfigError, InputError
from zamba2_vl.text.decoder import Decoder
from zamba2_vl.text.state import State
from zamba2_vl.vision.encoder import Layout, VisionEncoder
from zamba2_vl.vision.windows import JoinedLayout, WindowLayout


class VisionLanguageModel(nn.Module):
    """Vision tower and language model under their published names."""

    def __init__(self, config: Zamba2VLConfig) -> None:
        super().__init__()
        if config.vision is None or config.image_token_index is None:
            raise ConfigError("this checkpoint is text only: it has no vision tower")
        self.config = config
        self._image_token = config.image_token_index
        self.vision_tower = VisionEncoder(config.vision)
        self.language_model = Decoder(config.text)

    def embed_images(self, patches: Sequence[Tensor], layouts: Sequence[Layout]) -> Tensor:
        """The embeddings of one row's pictures, one after the other.

        Each of `patches` is (B, N, patch_values) in its layout's packed window order; N may differ.
        Returns (B, visual tokens of all pictures, hidden), each picture in raster order. On a GPU
        the tower sees all pictures of a single row at once.
        """
        whole = [layout for layout in layouts if isinstance(layout, WindowLayout)]
        if patches[0].is_cuda and len(patches[0]) == 1 and len(whole) == len(layouts):
            together: Tensor = self.vision_tower(torch.cat([*patches], 1), JoinedLayout.join(whole))
            return together
        pictures = [
            self.vision_tower(p, layout) for p, layout in zip(patches, layouts, strict=True)
        ]
        return torch.cat(pictures, dim=1)

    def place_images(self, ids: Tensor, images: Tensor) -> Tensor:
        """Embed `ids` (B, L), each row's n-th image token replaced by its n-th image embedding.

        images: (B, M, hidden), surplus ones are left out. Fixed shapes and differentiable; that
        there are embeddings enough is the caller's to know. Returns (B, L, hidden).
        """
        words = self.language_model.embed(ids)
        here = torch.eq(ids, self._image_token)
        nth = (here.cumsum(1) - 1).clamp(min=0, max=images.shape[1] - 1)
        taken = images.gather(1, nth[..., None].expand(-1, -1, images.shape[-1]))
        return torch.where(here[..., None], taken.to(words.dtype), words)

    def forward(
        self,
        ids: Tensor,
        patches: Sequence[Tensor] = (),
        layouts: Sequence[Layout] = (),
        state: State | None = None,
        lengths: Tensor | None = None,
    ) -> Tensor:
        """Logits at every position.

        ids: (B, L) with as many image tokens a row as the row's pictures give embeddings; the
        other arguments as in `embed_images` and `Decoder.forward`. Returns (B, L, vocab_size).
        Raises InputError where image tokens and embeddings differ in number.
        """
        if patches:
            images = self.embed_images(patches, layouts)
            counts = torch.eq(ids, self._image_token).sum(1)
            if bool((counts != images.shape[1]).any()):
                raise InputError(
                    f"{counts.tolist()} image tokens a row, but {images.shape[1]} image embeddings"
                )
            embeds = self.place_images(ids, images)
        else:
            embeds = self.language_model.embed(ids)
        return self.language_model.logits(self.language_model(embeds, state, lengths))
