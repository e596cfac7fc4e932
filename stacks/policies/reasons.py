"""Why something has no translation."""


class InexpressibleError(Exception):
    """Cilium has no policy that means the same; the text says what cannot be said, and a way out where there is one."""
