"""Small random-weight CLIP encoders and priors, with what the reference libraries make of fixed inputs.

    python make_components.py [NAME …]

writes `../fixtures/NAME/` as `save_pretrained` does, and beside it `expected.safetensors`. The widths are
tiny so that the fixtures can be committed; the code paths are those of the full models.
"""

import json
import pathlib
import sys

import torch
from diffusers import PriorTransformer
from safetensors.torch import load_file, save_file
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "fixtures"


def randomise(model, seed):
    """Weights large enough that every part of the model shows in its output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith("clip_std") or "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() >= 2 and "embedding" not in name:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                parameter.copy_(0.5 * noise)
    return model.eval().float()


def randn(*shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def save(name, model, expected):
    folder = FIXTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")


def use_public_names(name, prefix, config_key):
    """Prefixed names, position ids, and the tower's config nested in a whole CLIP's."""
    path = FIXTURES / name / "model.safetensors"
    tensors = load_file(path)
    renamed = {
        key if "_projection" in key or key.startswith(prefix) else prefix + key: value.clone() for key, value in tensors.items()
    }
    n_positions = renamed[prefix + "embeddings.position_embedding.weight"].shape[0]
    renamed[prefix + "embeddings.position_ids"] = torch.arange(n_positions)[None]
    save_file(renamed, path)
    config_path = FIXTURES / name / "config.json"
    config = json.loads(config_path.read_text())
    outer = {
        "architectures": config.pop("architectures"),
        "projection_dim": config.pop("projection_dim"),
        config_key: config,
    }
    config_path.write_text(json.dumps(outer, indent=2, sort_keys=True) + "\n")


def text_expected(model, ids):
    ids = torch.tensor(ids)
    with torch.no_grad():
        output = model(ids, output_hidden_states=True)
    expected = {
        "ids": ids,
        "last_hidden_state": output.last_hidden_state,
        "penultimate_hidden_state": output.hidden_states[-2],
    }
    if hasattr(output, "text_embeds"):
        expected["text_embeds"] = output.text_embeds
    else:
        expected["pooled"] = output.pooler_output
    return expected


def clip_text_gelu():
    """As Kandinsky's and SDXL's second encoder: erf GELU, projection, padded with another token, names and
    config as public files have them."""
    config = CLIPTextConfig(
        vocab_size=99, hidden_size=48, intermediate_size=112, projection_dim=40, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=16, hidden_act="gelu",
        bos_token_id=97, eos_token_id=98, pad_token_id=0,
    )
    model = randomise(CLIPTextModelWithProjection(config), seed=1)
    ids = [
        [97, 5, 17, 40, 98] + 11 * [0],
        [97] + list(range(20, 34)) + [98],
        [97, 98] + 14 * [0],
    ]
    save("clip_text_gelu", model, text_expected(model, ids))
    use_public_names("clip_text_gelu", "text_model.", "text_config")


def clip_text_quick_gelu():
    """As Stable Diffusion 1's encoder: quick GELU, no projection, the wrong end token of old configs; names
    as transformers 5.6 and later write them."""
    config = CLIPTextConfig(
        vocab_size=80, hidden_size=32, intermediate_size=64, projection_dim=32, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=12, hidden_act="quick_gelu",
        bos_token_id=0, eos_token_id=2, pad_token_id=1,
    )
    model = randomise(CLIPTextModel(config), seed=2)
    ids = [[78, 5, 2, 40, 79] + 7 * [79], [78] + list(range(20, 30)) + [79]]
    save("clip_text_quick_gelu", model, text_expected(model, ids))


def vision_expected(model, seed):
    size = model.config.image_size
    pixel_values = torch.cat([randn(2, 3, size, size, seed=seed), torch.zeros(1, 3, size, size)])
    with torch.no_grad():
        output = model(pixel_values)
    return {
        "pixel_values": pixel_values,
        "last_hidden_state": output.last_hidden_state,
        "image_embeds": output.image_embeds,
    }


def clip_vision_gelu():
    config = CLIPVisionConfig(
        hidden_size=48, intermediate_size=112, projection_dim=40, num_hidden_layers=3,
        num_attention_heads=3, image_size=30, patch_size=7, hidden_act="gelu",
    )
    model = randomise(CLIPVisionModelWithProjection(config), seed=3)
    save("clip_vision_gelu", model, vision_expected(model, seed=30))


def clip_vision_quick_gelu():
    """As every public file: prefixed names and position ids."""
    config = CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, projection_dim=24, num_hidden_layers=2,
        num_attention_heads=4, image_size=32, patch_size=8, hidden_act="quick_gelu",
    )
    model = randomise(CLIPVisionModelWithProjection(config), seed=4)
    save("clip_vision_quick_gelu", model, vision_expected(model, seed=40))
    use_public_names("clip_vision_quick_gelu", "vision_model.", "vision_config")


def prior_expected(model, seed):
    config = model.config
    width, n_text = config.embedding_dim, config.num_embeddings
    latents = randn(2, width, seed=seed)
    text_embeds = randn(2, config.embedding_proj_dim or width, seed=seed + 1)
    hidden_states = randn(2, n_text, width, seed=seed + 2)
    mask = torch.ones(2, n_text, dtype=torch.long)
    mask[0, 2:] = 0
    mask[1, n_text - 3 :] = 0
    expected = {
        "latents": latents, "text_embeds": text_embeds, "hidden_states": hidden_states, "attention_mask": mask,
    }
    with torch.no_grad():
        for timestep in (0, 500, 999):
            expected[f"prediction_{timestep}"] = model(
                latents, timestep, text_embeds, hidden_states, mask.bool()
            ).predicted_image_embedding
        expected["post_processed"] = model.post_process_latents(latents)
    return expected


def prior_kandinsky():
    """Kandinsky's choices at small widths."""
    model = PriorTransformer(
        num_attention_heads=4, attention_head_dim=12, num_layers=2, embedding_dim=40, num_embeddings=11,
        additional_embeddings=4,
    )
    model = randomise(model, seed=5)
    save("prior_kandinsky", model, prior_expected(model, seed=50))


def prior_with_options():
    """The options that Kandinsky leaves off: norms, other widths."""
    model = PriorTransformer(
        num_attention_heads=2, attention_head_dim=16, num_layers=2, embedding_dim=24, num_embeddings=7,
        additional_embeddings=4, time_embed_act_fn="gelu", norm_in_type="layer",
        embedding_proj_norm_type="layer", time_embed_dim=40, embedding_proj_dim=20,
    )
    model = randomise(model, seed=6)
    save("prior_with_options", model, prior_expected(model, seed=60))


COMPONENTS = [
    clip_text_gelu, clip_text_quick_gelu, clip_vision_gelu, clip_vision_quick_gelu, prior_kandinsky,
    prior_with_options,
]

if __name__ == "__main__":
    for make in COMPONENTS:
        if not sys.argv[1:] or make.__name__ in sys.argv[1:]:
            make()
            print(make.__name__)
