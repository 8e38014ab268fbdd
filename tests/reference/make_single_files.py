"""Writes tests/fixtures/single_files/: what single files call the tensors of diffusers' folders.

The names in the file are those of the original code's modules; what each is in diffusers is what diffusers' own
conversion makes of it: every tensor is given a value of its own, converted, and looked for. Whatever the conversion does
not read, or a component that it leaves incomplete, is an error here.

`tiny_*.json` are models of small widths with their configs, from which a test builds the same model as a folder and as a
file. The others are the full-size models, made on the meta device: every name with its shape, or a range of layers.

    python tests/reference/make_single_files.py
"""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "single_files"
N_IDS = 49_408
LAYER_NAMES = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}


def affine(*names):
    return [f"{name}.{last}" for name in names for last in ("weight", "bias")]


def unet_names(config):
    """The original `UNetModel`'s names, with skip connections wherever there could be one."""
    depths = config["transformer_layers_per_block"]
    widths, n_resnets = config["block_out_channels"], config["layers_per_block"]
    depths = [depths] * len(widths) if isinstance(depths, int) else depths
    attends = ["CrossAttn" in block for block in config["down_block_types"]]

    def resnet(place):
        parts = ["in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3", "skip_connection"]
        return affine(*[f"{place}.{part}" for part in parts])

    def transformer(place, depth):
        names = affine(*[f"{place}.{part}" for part in ("norm", "proj_in", "proj_out")])
        for block in (f"{place}.transformer_blocks.{i}" for i in range(depth)):
            for attention in ("attn1", "attn2"):
                names += [f"{block}.{attention}.{part}.weight" for part in ("to_q", "to_k", "to_v")]
                names += affine(f"{block}.{attention}.to_out.0")
            names += affine(*[f"{block}.{part}" for part in ("ff.net.0.proj", "ff.net.2", "norm1", "norm2", "norm3")])
        return names

    names = affine("time_embed.0", "time_embed.2", "input_blocks.0.0", "out.0", "out.2")
    if config["addition_embed_type"] or config["class_embed_type"]:
        names += affine("label_emb.0.0", "label_emb.0.2")
    block, last = 1, len(widths) - 1
    for level in range(len(widths)):
        for _ in range(n_resnets):
            names += resnet(f"input_blocks.{block}.0")
            names += transformer(f"input_blocks.{block}.1", depths[level]) if attends[level] else []
            block += 1
        if level < last:
            names += affine(f"input_blocks.{block}.0.op")
            block += 1
    names += resnet("middle_block.0") + transformer("middle_block.1", depths[last]) + resnet("middle_block.2")
    block = 0
    for level in reversed(range(len(widths))):
        for layer in range(n_resnets + 1):
            names += resnet(f"output_blocks.{block}.0")
            names += transformer(f"output_blocks.{block}.1", depths[level]) if attends[level] else []
            if level > 0 and layer == n_resnets:
                names += affine(f"output_blocks.{block}.{2 if attends[level] else 1}.conv")
            block += 1
    return names


def vae_names(config):
    n_levels, n_resnets = len(config["block_out_channels"]), config["layers_per_block"]

    def resnet(place):
        return affine(*[f"{place}.{part}" for part in ("norm1", "conv1", "norm2", "conv2", "nin_shortcut")])

    names = affine("quant_conv", "post_quant_conv")
    for side, way, sampler, n_layers in (
        ("encoder", "down", "downsample", n_resnets), ("decoder", "up", "upsample", n_resnets + 1),
    ):
        names += affine(f"{side}.conv_in", f"{side}.norm_out", f"{side}.conv_out")
        names += affine(*[f"{side}.mid.attn_1.{part}" for part in ("norm", "q", "k", "v", "proj_out")])
        names += resnet(f"{side}.mid.block_1") + resnet(f"{side}.mid.block_2")
        for level in range(n_levels):
            for layer in range(n_layers):
                names += resnet(f"{side}.{way}.{level}.block.{layer}")
            names += affine(f"{side}.{way}.{level}.{sampler}.conv")
    return names


def tagged(names, prefix):
    """A tensor for each name, with a value of its own."""
    return {prefix + name: torch.full((1, 1, 1, 1), float(i)) for i, name in enumerate(names)}


def rows_of(component, state, names, prefix, convert):
    """What each name is, by what the conversion makes of its value."""
    converted = convert(tagged(names, prefix))
    found = {}
    for key, value in converted.items():
        name = names[int(value.flatten()[0])]
        if key in state:
            found[name] = key
        else:
            assert "skip_connection" in name or "nin_shortcut" in name or "sample.conv" in name, (name, key)
    missing = set(state) - set(found.values())
    assert not missing, (component, sorted(missing)[:5])
    rows = []
    for name in names:
        if name in found:
            key = found[name]
            shape = list(state[key].shape)
            is_conv = prefix == "first_stage_model." and ".attn_1." in name and len(shape) == 2
            rows.append([prefix + name, shape + [1, 1] * is_conv, component, [key], "conv" if is_conv else "whole"])
    return rows


def clip_rows(component, model, prefix):
    state = model.state_dict()
    values = {f"{prefix}text_model.{key.removeprefix('text_model.')}": value for key, value in state.items()}
    rows = [
        [name, list(state[key].shape), component, [key], "whole"] for name, key in zip(values, state, strict=True)
    ]
    converted = convert_ldm_clip_checkpoint(values)
    assert {key.removeprefix("text_model.") for key in converted} == {key.removeprefix("text_model.") for key in state}
    return rows


def open_clip_rows(component, model, prefix, n_left_out):
    """OpenCLIP keeps query, key and value in one, and its projection the other way round."""
    state = model.state_dict()
    text = "text_model." if any(key.startswith("text_model.") for key in state) else ""
    width = model.config.hidden_size
    rows = [
        ["token_embedding.weight", [f"{text}embeddings.token_embedding.weight"], "whole"],
        ["positional_embedding", [f"{text}embeddings.position_embedding.weight"], "whole"],
        ["ln_final.weight", [f"{text}final_layer_norm.weight"], "whole"],
        ["ln_final.bias", [f"{text}final_layer_norm.bias"], "whole"],
    ]
    for i in range(model.config.num_hidden_layers):
        old, new = f"transformer.resblocks.{i}", f"{text}encoder.layers.{i}"
        for last in ("weight", "bias"):
            for old_part, new_part in LAYER_NAMES.items():
                rows.append([f"{old}.{old_part}.{last}", [f"{new}.{new_part}.{last}"], "whole"])
            parts = [f"{new}.self_attn.{letter}_proj.{last}" for letter in "qkv"]
            rows.append([f"{old}.attn.in_proj_{last}", parts, "joined"])
    if "text_projection.weight" in state:
        rows.append(["text_projection", ["text_projection.weight"], "transposed"])

    def value(keys, op):
        tensors = [state[key] for key in keys]
        return tensors[0].T if op == "transposed" else torch.cat(tensors)

    values = {prefix + name: value(keys, op) for name, keys, op in rows}
    converted = convert_open_clip_checkpoint(model, values, prefix=prefix)
    converted = {key if text else key.removeprefix("text_model."): value for key, value in converted.items()}
    assert converted.keys() == state.keys(), (converted.keys() ^ state.keys())
    for key, value in state.items():
        assert value.is_meta or torch.equal(converted[key], value), key
    rows = [[prefix + name, list(values[prefix + name].shape), component, keys, op] for name, keys, op in rows]
    # What the original runs no further than, and its projection and temperature: of no part of the model.
    for i in range(model.config.num_hidden_layers, model.config.num_hidden_layers + n_left_out):
        first = f"{prefix}transformer.resblocks.0."
        block = [row for row in rows if row[0].startswith(first)]
        rows += [[row[0].replace(".0.", f".{i}.", 1), row[1], None, [], "unread"] for row in block]
        rows.append([f"{prefix}text_projection", [width, width], None, [], "unread"])
    rows.append([f"{prefix}logit_scale", [], None, [], "unread"])
    return rows


def vision_rows(component, model, prefix):
    """OpenCLIP's tower for pictures, which is that of the first CLIP."""
    state = model.state_dict()
    inner = "vision_model." if any(key.startswith("vision_model.") for key in state) else ""
    rows = [
        ["class_embedding", ["embeddings.class_embedding"], "whole"],
        ["conv1.weight", ["embeddings.patch_embedding.weight"], "whole"],
        ["positional_embedding", ["embeddings.position_embedding.weight"], "whole"],
    ]
    for old, new in (("ln_pre", "pre_layrnorm"), ("ln_post", "post_layernorm")):
        rows += [[f"{old}.{last}", [f"{new}.{last}"], "whole"] for last in ("weight", "bias")]
    for i in range(model.config.num_hidden_layers):
        old, new = f"transformer.resblocks.{i}", f"encoder.layers.{i}"
        for last in ("weight", "bias"):
            for old_part, new_part in LAYER_NAMES.items():
                rows.append([f"{old}.{old_part}.{last}", [f"{new}.{new_part}.{last}"], "whole"])
            parts = [f"{new}.self_attn.{letter}_proj.{last}" for letter in "qkv"]
            rows.append([f"{old}.attn.in_proj_{last}", parts, "joined"])
    rows = [[name, [inner + key for key in keys], op] for name, keys, op in rows]
    rows.append(["proj", ["visual_projection.weight"], "transposed"])

    def value(keys, op):
        tensors = [state[key] for key in keys]
        return tensors[0].T if op == "transposed" else torch.cat(tensors)

    values = {name: value(keys, op) for name, keys, op in rows}
    assert {key for _, keys, _ in rows for key in keys} == set(state)
    check_vision(model, values)
    return [[prefix + name, list(values[name].shape), component, keys, op] for name, keys, op in rows]


@torch.no_grad()
def check_vision(model, values):
    """What OpenCLIP's own tower makes of a picture with those names, where that package is there."""
    config = model.config
    if next(model.parameters()).is_meta or not find_spec("open_clip"):
        return
    from open_clip.transformer import VisionTransformer

    tower = VisionTransformer(
        image_size=config.image_size, patch_size=config.patch_size, width=config.hidden_size,
        layers=config.num_hidden_layers, heads=config.num_attention_heads,
        mlp_ratio=config.intermediate_size / config.hidden_size, output_dim=config.projection_dim,
    ).eval()
    tower.load_state_dict(values)
    picture = torch.randn(1, 3, config.image_size, config.image_size)
    difference = (tower(picture) - model.eval()(picture).image_embeds).abs().max()
    assert difference < 1e-4, difference


def clip_config(width, n_layers, mlp_width, n_heads, act, projection_dim=None):
    return CLIPTextConfig(
        vocab_size=N_IDS, hidden_size=width, intermediate_size=mlp_width, num_hidden_layers=n_layers,
        num_attention_heads=n_heads, max_position_embeddings=77, hidden_act=act, projection_dim=projection_dim or width,
        bos_token_id=49_406, eos_token_id=49_407, pad_token_id=1,
    )


def levels(depths):
    down = ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths]
    up = ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)]
    return dict(
        down_block_types=down, up_block_types=up, transformer_layers_per_block=[depth or depths[-1] or 1 for depth in depths]
    )


def vae(widths, n_layers, scaling_factor):
    return AutoencoderKL(
        block_out_channels=widths, layers_per_block=n_layers, latent_channels=4, scaling_factor=scaling_factor,
        down_block_types=["DownEncoderBlock2D"] * len(widths), up_block_types=["UpDecoderBlock2D"] * len(widths),
    )


def stable_diffusion_1(widths, depths, n_layers, text, vae_widths, vae_layers, in_channels=4):
    unet = UNet2DConditionModel(
        in_channels=in_channels, block_out_channels=widths, layers_per_block=n_layers, attention_head_dim=8,
        cross_attention_dim=text[0], **levels(depths),
    )
    text_encoder = CLIPTextModel(clip_config(*text, "quick_gelu"))
    parts = dict(text_encoder=text_encoder, unet=unet, vae=vae(vae_widths, vae_layers, 0.18215))
    rows = clip_rows("text_encoder", text_encoder, "cond_stage_model.transformer.")
    return parts, rows, True


def stable_diffusion_2(widths, depths, n_layers, text, vae_widths, vae_layers):
    unet = UNet2DConditionModel(
        block_out_channels=widths, layers_per_block=n_layers, attention_head_dim=[width // 64 for width in widths],
        use_linear_projection=True, cross_attention_dim=text[0], **levels(depths),
    )
    text_encoder = CLIPTextModel(clip_config(*text, "gelu"))
    parts = dict(text_encoder=text_encoder, unet=unet, vae=vae(vae_widths, vae_layers, 0.18215))
    return parts, open_clip_rows("text_encoder", text_encoder, "cond_stage_model.model.", 1), False


def stable_diffusion_xl(widths, depths, n_layers, text, text_2, vae_widths, vae_layers, in_channels=4):
    unet = UNet2DConditionModel(
        in_channels=in_channels, block_out_channels=widths, layers_per_block=n_layers,
        attention_head_dim=[width // 64 for width in widths], use_linear_projection=True,
        cross_attention_dim=text[0] + text_2[0], addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=text_2[0] + 6 * 256, **levels(depths),
    )
    text_encoder = CLIPTextModel(clip_config(*text, "quick_gelu"))
    text_encoder_2 = CLIPTextModelWithProjection(clip_config(*text_2, "gelu"))
    parts = dict(
        text_encoder=text_encoder, text_encoder_2=text_encoder_2, unet=unet, vae=vae(vae_widths, vae_layers, 0.13025)
    )
    rows = clip_rows("text_encoder", text_encoder, "conditioner.embedders.0.transformer.")
    rows += open_clip_rows("text_encoder_2", text_encoder_2, "conditioner.embedders.1.model.", 0)
    return parts, rows, True


def stable_diffusion_2_unclip(widths, depths, n_layers, text, vision, vae_widths, vae_layers):
    hidden, n_vision_layers, mlp_width, n_heads, embed, image_size, patch_size = vision
    unet = UNet2DConditionModel(
        block_out_channels=widths, layers_per_block=n_layers, attention_head_dim=[width // 64 for width in widths],
        use_linear_projection=True, cross_attention_dim=text[0], class_embed_type="projection",
        projection_class_embeddings_input_dim=2 * embed, **levels(depths),
    )
    text_encoder = CLIPTextModel(clip_config(*text, "gelu"))
    image_encoder = CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=hidden, intermediate_size=mlp_width, projection_dim=embed, num_hidden_layers=n_vision_layers,
            num_attention_heads=n_heads, image_size=image_size, patch_size=patch_size,
            # The first CLIP's, of which the smaller model has the large one.
            hidden_act="quick_gelu" if hidden == 1024 else "gelu",
        )
    )
    parts = dict(text_encoder=text_encoder, image_encoder=image_encoder, unet=unet, vae=vae(vae_widths, vae_layers, 0.18215))
    rows = open_clip_rows("text_encoder", text_encoder, "cond_stage_model.model.", 1)
    return parts, rows + vision_rows("image_encoder", image_encoder, "embedder.model.visual."), False


def describe(parts, rows, has_position_ids):
    unet_state, vae_state = parts["unet"].state_dict(), parts["vae"].state_dict()
    config, prefix = dict(parts["unet"].config), "model.diffusion_model."
    rows = rows + rows_of(
        "unet", unet_state, unet_names(config), prefix, lambda tags: convert_ldm_unet_checkpoint(tags, config)
    )
    config = dict(parts["vae"].config)
    rows += rows_of(
        "vae", vae_state, vae_names(config), "first_stage_model.", lambda tags: convert_ldm_vae_checkpoint(tags, config)
    )
    # What every such file carries besides.
    rows += [[name, [1000], None, [], "unread"] for name in ("betas", "alphas_cumprod", "sqrt_alphas_cumprod")]
    if has_position_ids:
        place = next(name for name, *_ in rows if name.endswith("embeddings.token_embedding.weight"))
        place = place.removesuffix("token_embedding.weight")
        rows.append([f"{place}position_ids", [1, 77], None, [], "unread"])
    return rows


def config_of(part):
    return json.loads(part.config.to_json_string()) if hasattr(part.config, "to_json_string") else dict(part.config)


TINY = dict(
    tiny_sd15=lambda: stable_diffusion_1((32, 64), (1, 0), 1, (64, 2, 64, 1), (32, 32), 1),
    tiny_sd2=lambda: stable_diffusion_2((64, 128), (1, 0), 1, (64, 2, 64, 1), (32, 32), 1),
    tiny_unclip=lambda: stable_diffusion_2_unclip(
        (64, 128), (1, 0), 1, (64, 2, 64, 1), (32, 2, 48, 16, 20, 24, 8), (32, 32), 1
    ),
    tiny_sdxl=lambda: stable_diffusion_xl((64, 128), (0, 2), 1, (64, 2, 64, 1), (128, 2, 128, 2), (32, 32), 1),
)
L, H, G = (768, 12, 3072, 12), (1024, 23, 4096, 16), (1280, 32, 5120, 20)
FOUR, THREE, VAE = (320, 640, 1280, 1280), (320, 640, 1280), (128, 256, 512, 512)
FULL = dict(
    sd15=lambda: stable_diffusion_1(FOUR, (1, 1, 1, 0), 2, L, VAE, 2),
    sd21=lambda: stable_diffusion_2(FOUR, (1, 1, 1, 0), 2, H, VAE, 2),
    sd21_unclip_l=lambda: stable_diffusion_2_unclip(
        FOUR, (1, 1, 1, 0), 2, H, (1024, 24, 4096, 16, 768, 224, 14), VAE, 2
    ),
    sd21_unclip_h=lambda: stable_diffusion_2_unclip(
        FOUR, (1, 1, 1, 0), 2, H, (1280, 32, 5120, 16, 1024, 224, 14), VAE, 2
    ),
    sdxl=lambda: stable_diffusion_xl(THREE, (0, 2, 10), 2, L, G, VAE, 2),
)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    lines = lambda entries: "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]"
    for name, make in TINY.items():
        parts, rows, has_position_ids = make()
        rows = describe(parts, rows, has_position_ids)
        shapes = {part: {key: list(v.shape) for key, v in model.state_dict().items()} for part, model in parts.items()}
        configs = json.dumps({part: config_of(model) for part, model in parts.items()}, default=list)
        rows = [[key, shape, part, keys, op] for key, shape, part, keys, op in rows]
        text = f'{{"configs": {configs},\n"shapes": {json.dumps(shapes)},\n"tensors": {lines(rows)}}}\n'
        (FOLDER / f"{name}.json").write_text(text)
    for name, make in FULL.items():
        with torch.device("meta"):
            parts, rows, has_position_ids = make()
        n_parameters = {part: sum(v.numel() for v in model.state_dict().values()) for part, model in parts.items()}
        rows = describe(parts, rows, has_position_ids)
        shapes = [[key, shape, part] for key, shape, part, *_ in rows]
        text = f'{{"n_parameters": {json.dumps(n_parameters)},\n"tensors": {lines(shapes)}}}\n'
        (FOLDER / f"{name}.json").write_text(text)
        print(name, len(rows), n_parameters)


if __name__ == "__main__":
    main()
