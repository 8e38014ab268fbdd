"""Places under the sky. Each paints the whole picture behind the things."""

from __future__ import annotations

import torch

from world.canvas import Canvas, ramp_up, wave
from world.textures import BUBBLES, FLOWERS, GRAIN, RAIN, SNOW, STARS


def sky(c: Canvas, horizon: float = 0.62, has_clouds: bool = True) -> torch.Tensor:
    """Paints the sky, with its sun or moon, and says where across it stands."""
    t = (c.y / horizon).clamp(0, 1)
    t = 0.5 + (t - 0.5) * (0.35 + 0.65 * c.soft)
    upper, lower = (2 * t).clamp(0, 1), (2 * t - 1).clamp(0, 1)
    first = c.light.top + upper * (c.light.middle - c.light.top)
    c.rgb = (first + lower * (c.light.low - first)).expand(-1, -1, -1, c.px).clone()
    x = 0.5 + c.chance.side() * c.chance.within(0.2, 0.38)
    y = 0.15 + (horizon - 0.2) * c.light.is_sunset
    stars = c.texture(STARS) * ramp_up(horizon, 0.3 * horizon, c.y)
    c.over(c.plain(240, 242, 255), 0.9 * stars * c.light.is_night)
    is_clear = 1 - c.light.is_rain
    warm = c.plain(255, 244, 206) + c.light.is_sunset * (c.plain(255, 214, 140) - c.plain(255, 244, 206))
    c.over(warm, (0.55 * c.blob(x, y, 0.3, 0.3) * (1 - c.light.is_night) + 0.22 * c.blob(x, y, 0.2, 0.2) * c.light.is_night) * is_clear * c.soft)
    radius = 0.062 + 0.03 * c.light.is_sunset
    c.over(c.plain(255, 250, 226), c.disc(x, y, radius, radius) * is_clear * (1 - c.light.is_night))
    bite = c.chance.within(0, 1) < 0.6
    moon = c.disc(x, y, 0.06, 0.06) * (1 - bite * c.disc(x + 0.028, y - 0.016, 0.052, 0.052))
    c.over(c.plain(255, 248, 218), moon * c.light.is_night)
    if has_clouds:
        clouds(c, horizon)
    return x


def clouds(c: Canvas, horizon: float) -> None:
    """Heaps of cloud, flat below and lit from above; in the rain they close."""
    warm = c.light.is_sunset * 0.75
    lit = c.plain(255, 255, 255) * (1 - 0.2 * c.light.is_rain) - c.light.is_night * (c.plain(255, 255, 255) - 1.25 * c.light.low)
    lit = lit + warm * (c.plain(255, 206, 186) - lit)
    for level, spread in ((0.3, 0.11), (0.56, 0.075)):
        base = (level + c.chance.within(-0.05, 0.05)) * horizon
        height = spread * (c.along(5) + 0.35 * c.light.is_rain - 0.12).clamp(min=0) * (0.7 + 0.5 * c.along(16).abs())
        inside = ((c.y - base + height) / c.fine + 0.5).clamp(0, 1) * ramp_up(0.03, -0.012, c.y - base) * ramp_up(0.0, 0.02, height)
        depth = ((c.y - base + height) / (height + 0.02)).clamp(0, 1)
        c.over(lit - (0.13 * c.soft + 0.03) * depth * (1 - 0.5 * c.light.is_night), 0.92 * inside)


def rain(c: Canvas) -> None:
    c.over(c.plain(226, 234, 244), 0.34 * c.texture(RAIN) * c.light.is_rain)


def ground(c: Canvas, edge, top: tuple, bottom: tuple, grain: float = 0.05, depth: float = 0.35, rim: float = 0.1) -> None:
    """The near ground, with a little of its own texture."""
    c.hill(edge, c.colour(*top), c.colour(*bottom), depth, rim)
    if grain:
        c.multiply(1 + grain * c.soft * c.texture(GRAIN) * c.below(edge))


def meadow(c: Canvas) -> None:
    sky(c)
    c.hill(0.52 + 0.05 * c.along(4), c.hazed(c.colour(120, 176, 150), 0.55), c.hazed(c.colour(100, 170, 130), 0.4))
    c.hill(0.59 + 0.045 * c.along(3), c.hazed(c.colour(134, 196, 104), 0.2), c.colour(96, 172, 88))
    c.props.row(c, ("tree", "fir"), 0.66, 0.15, 0.33, haze=0.22, uneven=0.5)
    ground(c, 0.68 + 0.03 * c.along(3), (146, 208, 96), (84, 158, 74))
    near = ramp_up(0.68, 0.8, c.y)
    c.over(c.chance.one_of([(255, 246, 170), (255, 255, 255), (255, 170, 190), (250, 210, 90)]) * c.light.on_ground, 0.9 * c.texture(FLOWERS) * near)


def forest(c: Canvas) -> None:
    sky(c, 0.7, has_clouds=False)
    mist = c.colour(176, 212, 170)
    c.over(c.hazed(mist, 0.35), 0.75 * ramp_up(0.0, 0.6, c.y))
    for feet, size, spacing, haze in ((0.64, 0.42, 0.13, 0.55), (0.7, 0.58, 0.2, 0.28)):
        c.props.row(c, ("fir", "tree", "fir"), feet, size, spacing, haze=haze)
    ground(c, 0.69 + 0.02 * c.along(4), (112, 168, 88), (62, 112, 62), grain=0.09)
    side = c.chance.side()
    c.props.one(c, "fir", 0.5 - 0.46 * side, 0.82, c.chance.within(0.66, 0.8))
    c.props.one(c, "tree", 0.5 + 0.47 * side, 0.79, c.chance.within(0.56, 0.7))
    c.props.one(c, "mushroom", 0.5 + 0.36 * side, 0.9, 0.1)
    c.over(c.plain(255, 250, 200), 0.16 * c.soft * c.light.is_day * ramp_up(0.2, 0.9, wave(1.6 * c.x + 0.9 * c.y + c.chance.within(0, 1))) * ramp_up(0.8, 0.1, c.y))


def peaks(c: Canvas, base: float, height: float, cells: int, haze: float, rock: tuple, snow_line: float) -> None:
    """A range of jagged mountains with snow on top."""
    edge = base - height * (0.35 + 0.75 * c.along(cells, jagged=0.16).abs())
    slope = c.noise(26, 22)
    stone = c.colour(*rock) * (1 + 0.16 * c.soft * slope)
    body = c.gradient(c.hazed(stone, haze), c.hazed(stone * 0.9 + 0.1, min(1.0, haze + 0.3)), edge, 0.34)
    deep = c.y - edge - 0.035 * slope - snow_line * height * 0.45
    capped = ramp_up(0.012, -0.012, deep) * ramp_up(base - 0.12, base - 0.3 * height - 0.1, edge)
    white = c.hazed(c.colour(248, 251, 255) * (1 - 0.06 * c.soft * (1 + slope)), 0.6 * haze)
    c.over(body + capped * (white - body), c.below(edge))


def mountains(c: Canvas) -> None:
    sky(c, 0.66)
    peaks(c, 0.62, 0.4, 4, 0.5, (112, 128, 168), 0.8)
    peaks(c, 0.68, 0.3, 3, 0.24, (98, 112, 148), 0.6)
    c.hill(0.63 + 0.03 * c.along(4), c.hazed(c.colour(96, 150, 116), 0.2), c.colour(78, 136, 92))
    c.props.row(c, ("fir",), 0.7, 0.14, 0.1, haze=0.15, uneven=0.45)
    ground(c, 0.7 + 0.02 * c.along(3), (142, 190, 104), (90, 150, 82))
    c.props.one(c, "rock", 0.5 + c.chance.side() * c.chance.within(0.36, 0.44), 0.86, c.chance.within(0.1, 0.16))


def snow(c: Canvas) -> None:
    sky(c)
    peaks(c, 0.6, 0.2, 4, 0.5, (172, 190, 222), 0.9)
    c.hill(0.58 + 0.04 * c.along(3), c.hazed(c.colour(232, 240, 252), 0.3), c.colour(204, 220, 242))
    c.props.row(c, ("fir",), 0.66, 0.22, 0.16, haze=0.35, uneven=0.5)
    ground(c, 0.67 + 0.03 * c.along(3), (248, 251, 255), (206, 222, 246), grain=0.02)
    c.over(c.plain(255, 255, 255), 0.85 * c.texture(SNOW, 0.7))


def desert(c: Canvas) -> None:
    sky(c, 0.6)
    for base, height, haze, near in ((0.56, 0.05, 0.42, 0.9), (0.62, 0.06, 0.18, 0.96)):
        c.hill(base + height * c.along(3), c.hazed(c.colour(244, 206, 140), haze), c.hazed(c.colour(224 * near, 166 * near, 96 * near), haze))
    c.props.one(c, "cactus", 0.5 + c.chance.side() * c.chance.within(0.33, 0.42), 0.69, c.chance.within(0.16, 0.26), haze=0.1)
    edge = 0.69 + 0.035 * c.along(2)
    ground(c, edge, (250, 216, 150), (222, 164, 96), grain=0.04)
    ripples = wave(9 * c.y + 0.7 * c.x + 0.25 * c.along(3))
    c.multiply(1 + 0.05 * c.soft * ripples * ramp_up(0.72, 0.9, c.y))


def water(c: Canvas, horizon: float, near: tuple, far: tuple, sun_x: torch.Tensor) -> None:
    """The sea from its horizon down: lighter far away, with glints and the sun's or moon's path."""
    body = c.gradient(c.hazed(c.colour(*far), 0.25), c.colour(*near), horizon, 1 - horizon)
    c.over(body, c.below(horizon))
    depth = ((c.y - horizon) / (1 - horizon)).clamp(0, 1)
    waves = c.noise(44, 7) + 0.6 * c.noise(60, 14)
    glint = ramp_up(0.45, 1.1, waves) * c.below(horizon) * (0.25 + depth)
    c.over(c.light.low, 0.5 * glint * (0.4 + 0.6 * c.soft))
    c.multiply(1 - 0.14 * ramp_up(0.4, 1.1, -waves) * c.below(horizon))
    path = c.blob(sun_x, 1.0, 0.05 + 0.11 * depth, 4.0) * ramp_up(0.05, 0.75, waves + 0.35) * c.below(horizon)
    c.over(c.plain(255, 236, 190), 0.75 * path * (1 - c.light.is_rain) * (c.light.is_sunset + 0.75 * c.light.is_night + 0.25 * c.light.is_day))


def beach(c: Canvas) -> None:
    x = sky(c, 0.5)
    water(c, 0.5, (64, 190, 206), (40, 130, 196), x)
    edge = 0.69 + 0.03 * c.along(3)
    c.hill(edge - 0.03, c.colour(255, 255, 255), c.colour(255, 255, 255), rim=0)
    c.hill(edge, c.colour(222, 186, 132), c.colour(236, 204, 150), depth=0.04, rim=0)
    ground(c, edge + 0.035, (252, 230, 176), (238, 206, 146), grain=0.07, rim=0)
    side = c.chance.side()
    c.props.one(c, "palm", 0.5 + 0.4 * side, 0.78, c.chance.within(0.48, 0.62))
    c.props.one(c, "shell", 0.5 - 0.38 * side, 0.93, 0.08)


def sea(c: Canvas) -> None:
    x = sky(c, 0.55)
    water(c, 0.55, (22, 92, 162), (56, 146, 208), x)


def lake(c: Canvas) -> None:
    sky(c, 0.5)
    peaks(c, 0.52, 0.26, 4, 0.35, (104, 122, 156), 0.7)
    c.hill(0.5 + 0.015 * c.along(4), c.hazed(c.colour(92, 150, 104), 0.15), c.colour(74, 132, 84))
    c.props.row(c, ("fir", "tree"), 0.535, 0.11, 0.08, haze=0.15, uneven=0.5)
    horizon = 0.535
    mirrored = c.mirrored(horizon)
    c.over(mirrored * 0.86 + 0.1 * c.light.middle, c.below(horizon) * 0.85)
    c.over(c.light.low, 0.3 * ramp_up(0.4, 1.0, c.noise(50, 8)) * c.below(horizon))
    ground(c, 0.76 + 0.025 * c.along(3), (140, 196, 100), (86, 148, 78))


def underwater(c: Canvas) -> None:
    dim = 1 - 0.55 * c.light.is_night
    c.rgb = c.gradient(c.plain(96, 206, 226) * dim, c.plain(12, 76, 140) * dim, 0.0, 0.85).expand(-1, -1, -1, c.px).clone()
    c.over(c.plain(255, 150, 120), 0.3 * c.light.is_sunset * ramp_up(0.7, 0.0, c.y))
    rays = c.along(9, jagged=0.3)
    slanted = ramp_up(0.1, 0.9, rays) * ramp_up(0.85, 0.0, c.y)
    c.over(c.plain(220, 250, 255), 0.3 * slanted * c.soft * dim)
    c.hill(0.74 + 0.04 * c.along(4), c.plain(110, 160, 170) * dim, c.plain(70, 130, 150) * dim)
    edge = 0.81 + 0.025 * c.along(3)
    c.hill(edge, c.plain(236, 216, 164) * dim, c.plain(180, 170, 140) * dim)
    caustics = ramp_up(0.55, 0.05, c.noise(20, 24).abs()) * c.below(edge)
    c.over(c.plain(255, 255, 236), 0.22 * caustics * c.soft * dim)
    side = c.chance.side()
    c.props.one(c, "coral", 0.5 + 0.4 * side, 0.88, c.chance.within(0.18, 0.28))
    c.props.one(c, "coral", 0.5 - 0.42 * side, 0.84, c.chance.within(0.12, 0.18), haze=0.2)
    c.over(c.plain(226, 250, 255), 0.6 * c.texture(BUBBLES))


def above_clouds(c: Canvas) -> None:
    sky(c, 1.0)
    white = c.plain(255, 255, 255) * (1 - 0.66 * c.light.is_night) + 0.5 * c.light.is_night * c.light.low
    white = white + c.light.is_sunset * (c.plain(255, 206, 190) - white) * 0.7
    white = white * (1 - 0.15 * c.light.is_rain)
    for base, height, cells in ((0.74, 0.07, 5), (0.84, 0.06, 4)):
        heap = base - height * c.along(cells).abs() - 0.35 * height * c.along(3 * cells).abs()
        c.hill(heap, white, white * 0.86 + 0.08 * c.light.middle, depth=0.2, rim=0.04)


def volcano(c: Canvas) -> None:
    sky(c, 0.7, has_clouds=False)
    x = 0.5 + c.chance.within(-0.16, 0.16)
    smoke = ramp_up(0.0, 0.7, c.noise(9, 7) + 0.5 * c.noise(18, 14)) * c.blob(x, 0.1, 0.22, 0.2)
    c.over(c.colour(116, 104, 112), 0.9 * smoke)
    glow = c.blob(x, 0.25, 0.16, 0.16)
    c.over(c.plain(255, 120, 50), 0.55 * glow)
    slope = 0.28 + ((c.x - x).abs() - 0.07).clamp(min=0) * 0.95 + 0.015 * c.along(20)
    c.hill(slope, c.colour(120, 92, 96), c.hazed(c.colour(92, 72, 80), 0.12), depth=0.4)
    stream = ((c.x - x - 0.03 * wave(2.3 * c.y)).abs() < 0.012 + 0.035 * (c.y - 0.26).clamp(min=0)).float() * c.below(slope)
    c.over(c.plain(255, 132, 40), stream * ramp_up(0.7, 0.5, c.y))
    ground(c, 0.7 + 0.025 * c.along(5), (104, 84, 86), (58, 48, 56), grain=0.12)
    cracks = ramp_up(0.1, 0.0, c.noise(10, 12).abs()) * ramp_up(0.74, 0.8, c.y)
    c.over(c.plain(255, 110, 40), 0.7 * cracks)


OUTDOORS = {
    "meadow": meadow, "forest": forest, "mountains": mountains, "snow": snow, "desert": desert, "beach": beach, "sea": sea,
    "lake": lake, "underwater": underwater, "sky": above_clouds, "volcano": volcano,
}
