"""Places that people made, rooms, and those that are no place: a plain ground, space."""

from __future__ import annotations

import torch

from world.canvas import Canvas, ramp_up, wave
from world.outdoors import ground, rain, sky
from world.textures import FLOWERS, GRAIN, STARS

PAPERS = [(255, 226, 214), (214, 234, 252), (220, 244, 222), (255, 244, 206), (236, 224, 250), (240, 240, 244), (255, 218, 230), (206, 240, 238)]
WALLS = [(248, 226, 196), (206, 226, 218), (240, 210, 206), (214, 218, 240), (246, 238, 222), (196, 214, 226)]


def plain(c: Canvas) -> None:
    paper = c.chance.one_of(PAPERS) * (1 - 0.62 * c.light.is_night)
    paper = paper + c.light.is_sunset * (c.plain(255, 190, 150) - paper) * 0.5 + c.light.is_night * c.plain(14, 20, 66)
    c.rgb = paper.expand(-1, -1, c.px, c.px).clone()
    c.over(paper * 0.5 + 0.5, 0.75 * c.soft * c.blob(0.5, 0.4, 0.42, 0.42))
    c.multiply(1 - 0.12 * c.soft * ramp_up(0.66, 0.95, c.y))


def space(c: Canvas) -> None:
    c.rgb = c.gradient(c.plain(14, 10, 44), c.plain(38, 16, 72), 0.0, 1.0).expand(-1, -1, -1, c.px).clone()
    cloud = ramp_up(0.0, 1.2, c.noise(5, 5) + 0.5 * c.noise(11, 11))
    c.over(c.chance.one_of([(120, 60, 190), (60, 90, 200), (190, 60, 140), (40, 140, 170)]), 0.5 * cloud * (0.3 + 0.7 * c.soft))
    c.over(c.plain(255, 255, 255), c.texture(STARS, 1.0))
    c.over(c.plain(226, 232, 255), 0.7 * c.texture(STARS, 0.6))
    side = c.chance.side()
    c.props.one(c, "planet", 0.5 + 0.34 * side, c.chance.within(0.26, 0.36), c.chance.within(0.16, 0.26), shadow=0)
    c.props.one(c, "moon", 0.5 - 0.38 * side, c.chance.within(0.16, 0.24), c.chance.within(0.08, 0.13), shadow=0)


def skyline(c: Canvas, base: float, height: float, columns: int, haze: float) -> None:
    """Far houses with windows, lit when it is dark."""
    offset = c.chance.within(0, 1)
    u = columns * c.x + offset
    cell = u.floor().long().clamp(0, columns)
    lattice = c.chance.lattice(2, columns + 1)
    tall, tone = (lattice[:, 0, k].gather(1, cell.view(len(cell), -1)).view_as(u) for k in range(2))
    top = base - height * (0.62 + 0.38 * tall)
    wall = c.hazed(c.colour(168, 164, 190) * (1 + 0.16 * tone), haze)
    inside = u - u.floor()
    wall = wall * (1 - 0.1 * c.soft * ramp_up(0.8, 1.0, inside))
    body = c.below(top) * (1 - c.below(base))
    c.over(wall, body)
    rows, posts = (c.y - top) * 26, inside * 4
    window = ((rows % 1 > 0.35) & (rows % 1 < 0.8) & (posts % 1 > 0.28) & (posts % 1 < 0.78) & (posts > 0.5) & (posts < 3.5) & (rows > 0.6)).float()
    lit = c.plain(255, 222, 130) * (c.light.is_night + 0.6 * c.light.is_sunset) + c.plain(206, 226, 244) * (c.light.is_day + 0.7 * c.light.is_rain)
    is_on = ramp_up(-0.3, 0.3, c.noise(24, 24)) * (c.light.is_night + c.light.is_sunset) + 0.5 * (c.light.is_day + c.light.is_rain)
    c.over(lit, 0.85 * window * body * is_on * (1 - haze))


def city(c: Canvas) -> None:
    sky(c, 0.66)
    skyline(c, 0.72, 0.5, 9, 0.5)
    skyline(c, 0.73, 0.34, 7, 0.22)
    c.props.row(c, ("office building", "hotel", "shop", "house", "bank"), 0.745, 0.3, 0.24, haze=0.06, uneven=0.3)
    ground(c, 0.735, (206, 206, 214), (186, 186, 198), grain=0.03, rim=0.02)
    c.hill(torch.full_like(c.x, 0.79), c.colour(112, 114, 128), c.colour(88, 90, 106), rim=0.05)
    dashes = ((c.x * 5 + c.chance.within(0, 1)) % 1 < 0.55).float() * c.box(-1.0, 0.9, 2.0, 0.915)
    c.over(c.colour(250, 244, 214), dashes)


def road(c: Canvas) -> None:
    sky(c)
    c.hill(0.54 + 0.05 * c.along(4), c.hazed(c.colour(124, 180, 140), 0.5), c.hazed(c.colour(104, 170, 120), 0.3))
    ground(c, 0.62 + 0.012 * c.along(3), (150, 206, 104), (92, 162, 80))
    c.props.row(c, ("tree", "fir"), 0.66, 0.16, 0.42, haze=0.15, uneven=0.5)
    depth = ((c.y - 0.62) / 0.38).clamp(min=0)
    middle = 0.5 + 0.1 * c.chance.side() * wave(0.25 - 0.25 * depth) * (1 - depth)
    half = 0.02 + 0.62 * depth
    across = (c.x - middle).abs() / half
    on = c.below(0.62) * ((1 - across) * half / c.fine + 0.5).clamp(0, 1)
    c.over(c.colour(104, 106, 122) * (1 - 0.1 * c.soft * (1 - depth)), on)
    c.over(c.colour(246, 246, 240), on * ramp_up(0.86, 0.89, across) * ramp_up(0.97, 0.95, across))
    dash = ((6 / (0.35 + depth) + c.chance.within(0, 1)) % 1 < 0.5).float() * ramp_up(0.045, 0.035, across)
    c.over(c.colour(252, 226, 120), on * dash)


def rooftop(c: Canvas) -> None:
    sky(c, 0.7)
    skyline(c, 0.8, 0.42, 9, 0.5)
    skyline(c, 0.82, 0.28, 7, 0.25)
    edge = 0.74 + 0.0 * c.x
    c.props.one(c, "brick", 0.5 + c.chance.side() * 0.38, 0.77, 0.2)
    tile = c.chance.one_of([(206, 98, 74), (190, 84, 88), (112, 128, 168), (170, 108, 78)]) * c.light.on_ground
    c.hill(edge, tile * 1.12, tile * 0.8, depth=0.3)
    rows = (c.y - 0.74) * 14
    shifted = c.x * 12 + 0.5 * (rows.floor() % 2)
    shade = (rows % 1) * 0.5 + 0.5 * (((shifted % 1) - 0.5).abs() * 2).square()
    c.multiply(1 - 0.26 * (shade - 0.4) * c.below(edge))
    c.over(tile * 1.25, 0.8 * c.box(-1.0, 0.725, 2.0, 0.75))


def garden(c: Canvas) -> None:
    sky(c)
    c.hill(0.5 + 0.04 * c.along(4), c.hazed(c.colour(110, 172, 110), 0.3), c.colour(88, 154, 92))
    board = (c.x * 11 + c.chance.within(0, 1)) % 1
    top = 0.5 + 0.05 * (board - 0.5).abs()
    fence = c.below(top) * (1 - c.below(0.71)) * (((board - 0.5).abs() < 0.38).float())
    rails = c.box(-1.0, 0.56, 2.0, 0.585) + c.box(-1.0, 0.645, 2.0, 0.67)
    c.over(c.colour(236, 232, 226), rails.clamp(max=1))
    c.over(c.colour(255, 253, 246) * (1 - 0.14 * c.soft * (board - 0.5).abs()), fence)
    ground(c, 0.7 + 0.008 * c.along(3), (140, 204, 98), (84, 158, 76))
    c.props.row(c, ("tulip", "sunflower", "rose", "daisy"), 0.77, 0.13, 0.12, uneven=0.4)
    c.over(c.chance.one_of([(255, 255, 255), (255, 240, 150), (255, 180, 200)]) * c.light.on_ground, 0.8 * c.texture(FLOWERS) * ramp_up(0.8, 0.86, c.y))


def outside(c: Canvas, left, top, right, bottom) -> None:
    """A window in the wall, and the time of day behind it."""
    frame = c.colour(255, 252, 244)
    c.multiply(1 - 0.15 * c.soft * c.box(left - 0.03, top - 0.01, right + 0.03, bottom + 0.05, 0.03))
    c.over(frame, c.box(left - 0.022, top - 0.022, right + 0.022, bottom + 0.022, 0.012))
    pane = c.box(left, top, right, bottom)
    t = ((c.y - top) / (bottom - top)).clamp(0, 1)
    c.over(c.light.top + t * (c.light.low - c.light.top), pane)
    c.over(c.plain(240, 242, 255), pane * c.texture(STARS, 0.7) * c.light.is_night)
    c.over(c.plain(255, 250, 222), pane * c.disc((left + right) / 2 + 0.04, top + 0.08, 0.03, 0.03))
    middle = (left + right) / 2
    c.over(frame, c.box(middle - 0.007, top, middle + 0.007, bottom) * pane)
    c.over(frame, c.box(left, (top + bottom) / 2 - 0.006, right, (top + bottom) / 2 + 0.006) * pane)


def indoors(c: Canvas, wall: torch.Tensor, floor: tuple, edge: float = 0.7) -> None:
    """A wall and a floor of boards; warm lamplight when it is dark outside."""
    warm = c.light.is_night * c.plain(255, 196, 130) + (1 - c.light.is_night) * c.plain(255, 255, 255)
    c.rgb = (wall * (1 - 0.42 * c.light.is_night) * (0.45 + 0.55 * warm)).expand(-1, -1, c.px, c.px).clone()
    c.over(c.plain(255, 236, 200), 0.28 * c.soft * c.blob(0.5, 0.35, 0.5, 0.4))
    c.over(c.colour(255, 250, 240), c.box(-1.0, edge - 0.03, 2.0, edge))
    wood = c.colour(*floor) * (0.72 + 0.28 * warm)
    c.hill(edge + 0.0 * c.x, wood * 0.94, wood * 1.06, depth=0.3, rim=0)
    depth = 0.35 + (c.y - edge).clamp(min=0)
    board = ((c.x - 0.5) / depth * 3 + 10) % 1
    c.multiply(1 - 0.13 * ramp_up(0.06, 0.0, torch.minimum(board, 1 - board)) * c.below(edge))
    c.multiply(1 + 0.05 * c.soft * c.texture(GRAIN) * c.below(edge))
    c.multiply(1 - 0.2 * c.soft * ramp_up(0.05, 0.0, (c.y - edge).abs()))


def living_room(c: Canvas) -> None:
    indoors(c, c.chance.one_of(WALLS), (206, 158, 112))
    side = c.chance.side()
    x = 0.5 - 0.26 * side
    outside(c, x - 0.13, 0.12, x + 0.13, 0.42)
    c.props.one(c, "picture frame", 0.5 + 0.1 * side, 0.3, 0.16, shadow=0)
    rug = c.chance.one_of([(206, 92, 96), (92, 136, 176), (232, 178, 92), (128, 168, 134)]) * c.light.on_ground.clamp(min=0.6)
    c.over(rug, c.disc(0.5, 0.89, 0.42, 0.085))
    c.over(rug * 0.82 + 0.18, c.disc(0.5, 0.89, 0.34, 0.062))
    c.props.one(c, "sofa", 0.5 + 0.26 * side, 0.76, c.chance.within(0.36, 0.42))
    c.props.one(c, "potted plant", 0.5 - 0.4 * side, 0.78, c.chance.within(0.24, 0.32))


def kitchen(c: Canvas) -> None:
    wall = c.chance.one_of([(226, 240, 240), (248, 238, 220), (220, 232, 246), (240, 226, 220)])
    indoors(c, wall, (220, 190, 150), 0.74)
    tile = torch.maximum(((c.x * 12) % 1 - 0.5).abs(), ((c.y * 12) % 1 - 0.5).abs())
    c.over(c.colour(255, 255, 255), 0.55 * ramp_up(0.46, 0.5, tile) * c.box(-1.0, 0.36, 2.0, 0.7))
    side = c.chance.side()
    x = 0.5 + 0.3 * side
    outside(c, x - 0.12, 0.08, x + 0.12, 0.32)
    shelf = 0.5 - 0.25 * side
    c.over(c.colour(196, 142, 96), c.box(shelf - 0.2, 0.3, shelf + 0.2, 0.325, 0.005))
    for k, name in enumerate(("teapot", "jar", "cup")):
        c.props.one(c, name, shelf - 0.13 + 0.13 * k, 0.302, 0.11, shadow=0)
    counter = c.chance.one_of([(120, 164, 160), (206, 120, 96), (236, 226, 212), (108, 132, 168)]) * c.light.on_ground.clamp(min=0.55)
    c.hill(0.72 + 0.0 * c.x, counter * 1.05, counter * 0.9, rim=0)
    c.over(c.colour(246, 240, 232), c.box(-1.0, 0.7, 2.0, 0.86))
    c.multiply(1 - 0.18 * c.soft * ramp_up(0.05, 0.0, (c.y - 0.875).abs()))


def bedroom(c: Canvas) -> None:
    indoors(c, c.chance.one_of([(214, 206, 240), (246, 214, 220), (204, 222, 244), (222, 238, 222)]), (226, 186, 146))
    side = c.chance.side()
    x = 0.5 + 0.24 * side
    outside(c, x - 0.14, 0.1, x + 0.14, 0.44)
    c.props.one(c, "bed", 0.5 - 0.24 * side, 0.79, c.chance.within(0.42, 0.5))
    c.props.one(c, "teddy bear", 0.5 + 0.4 * side, 0.79, 0.15)
    c.over(c.plain(255, 255, 255) * c.light.on_ground.clamp(min=0.6), 0.5 * c.disc(0.5, 0.91, 0.36, 0.06))


def funfair(c: Canvas) -> None:
    sky(c, 0.7)
    side = c.chance.side()
    c.hill(0.64 + 0.02 * c.along(3), c.hazed(c.colour(110, 170, 120), 0.3), c.colour(98, 156, 100))
    c.props.one(c, "ferris wheel", 0.5 + 0.27 * side, 0.7, c.chance.within(0.46, 0.56), haze=0.12)
    c.props.one(c, "roller coaster", 0.5 - 0.08 * side, 0.69, 0.32, haze=0.2)
    c.props.one(c, "circus tent", 0.5 - 0.31 * side, 0.73, c.chance.within(0.34, 0.42), haze=0.05)
    ground(c, 0.71 + 0.012 * c.along(3), (226, 200, 156), (196, 164, 120), grain=0.06)
    string = 0.1 + 0.05 * wave(1.5 * c.x + c.chance.within(0, 1)).abs()
    lamp = ((c.x * 16) % 1 - 0.5).abs() / 16
    bulb = (-((lamp / 0.011).square() + ((c.y - string) / 0.011).square())).exp()
    c.over(c.colour(70, 60, 80), 0.7 * ramp_up(0.004, 0.0015, (c.y - string).abs()))
    c.over(c.plain(255, 232, 150), bulb.clamp(max=1))


BUILT = {
    "plain": plain, "space": space, "city": city, "road": road, "rooftop": rooftop, "garden": garden,
    "living room": living_room, "kitchen": kitchen, "bedroom": bedroom, "funfair": funfair,
}
__all__ = ["BUILT", "rain"]
