"""What keeps an outage of the provider from costing anything."""

from tests.guards.mutation import Mutation

OUTAGES = [
    Mutation(
        "an open circuit costs no attempt",
        "adapters/circuit.py",
        'raise Unavailable("enrichment provider: its circuit is open") from error',
        'raise ProviderOutage("ProviderUnavailable", "its circuit is open") from error',
    ),
    Mutation(
        "an outage that is known by then costs no attempt",
        "adapters/circuit.py",
        "            if self.circuit.is_closed():\n                raise\n",
        "            raise\n",
    ),
    Mutation(
        "the last attempt asks how the provider is",
        "adapters/circuit.py",
        "if request.attempt < self.max_attempts:",
        "if True:",
    ),
    Mutation(
        "a provider that is well again is asked once more",
        "adapters/circuit.py",
        "            if not self.provider.is_healthy():\n",
        "            if self.provider.is_healthy():\n                raise\n            else:\n",
    ),
    Mutation(
        "the state of the circuit is read for every call",
        "adapters/circuit.py",
        "local_cache_max_age=0",
        "local_cache_max_age=60",
    ),
    Mutation(
        "only an outage opens the circuit",
        "adapters/circuit.py",
        "handled_exceptions=ProviderOutage",
        "handled_exceptions=Exception",
    ),
    Mutation(
        "whoever opens the circuit calls the switch",
        "adapters/circuit.py",
        "                self._when_opened()\n",
        "                pass\n",
    ),
    Mutation(
        "a healthy provider is tried again",
        "application/switch_enrichment.py",
        "self.circuit.is_closed() or self._is_worth_a_try()",
        "self.circuit.is_closed()",
    ),
    Mutation(
        "a single call tries",
        "adapters/circuit.py",
        "opened_at=_now() - RECOVERY_SECONDS",
        "opened_at=_now()",
    ),
    Mutation(
        "an answer closes the circuit, whatever it says",
        "adapters/circuit.py",
        "                return error\n",
        "                raise\n",
    ),
    Mutation(
        "one that dies while it tries holds nobody up",
        "adapters/circuit.py",
        "                self._store.save_closed(NAME)\n",
        "                pass\n",
    ),
    Mutation(
        "one that tries is left its time",
        "adapters/circuit.py",
        " - RECOVERY_SECONDS + TRY_SECONDS:",
        " - RECOVERY_SECONDS:",
    ),
    Mutation(
        "an unhealthy provider is left alone",
        "application/switch_enrichment.py",
        "            self.circuit.keep_open()\n",
        "            pass\n",
    ),
    Mutation(
        "a mapping that is still changing is asked again",
        "adapters/event_source_mapping.py",
        ', passing={"ResourceInUseException"}',
    ),
]
