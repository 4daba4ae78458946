"""The kernel that the benchmark of input planes times."""

from gozero._features import fill_planes
from gozero.jit import kernel


@kernel
def fill_all(states, recent, colours, feature_set, where, planes):
    """Fills planes, uint8[planes * size * size], with those of one board after the other.

    states: uint32[boards, state]; recent: int32[boards, HISTORY]; colours: int64[boards]; the rest as in `fill_planes`.
    """
    for board in range(states.shape[0]):
        fill_planes(states[board], recent[board], colours[board], feature_set, where, planes)
