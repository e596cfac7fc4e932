"""All mutations, by what they break."""

from tests.mutations import cluster, draining, switching, turns
from tests.mutations.mutation import Mutation

MUTATIONS: tuple[Mutation, ...] = (*turns.MUTATIONS, *draining.MUTATIONS, *switching.MUTATIONS, *cluster.MUTATIONS)
