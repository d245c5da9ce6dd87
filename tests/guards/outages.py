"""What keeps an outage of the provider from costing anything."""

from tests.guards.mutation import Mutation

OUTAGES = [
    Mutation(
        "an open circuit costs no attempt",
        "adapters/enrichment/circuit.py",
        'raise Unavailable("enrichment provider: its circuit is open")',
        'raise ProviderOutage("ProviderUnavailable", "its circuit is open")',
    ),
    Mutation(
        "an outage that is known by then costs no attempt",
        "adapters/enrichment/circuit.py",
        "if trial or is_last or not self.circuit.is_closed():",
        "if trial or is_last:",
    ),
    Mutation(
        "an outage lingers for the reconciler",
        "adapters/enrichment/circuit.py",
        " and closed_at <= epoch_seconds() - OUTAGE_LINGERS",
    ),
    Mutation(
        "the last attempt asks how the provider is",
        "adapters/enrichment/circuit.py",
        "        if self.provider.is_healthy():\n            return\n",
        "        return\n",
    ),
    Mutation(
        "an outage that begins after the provider's word costs no attempt",
        "adapters/enrichment/circuit.py",
        "            self._check_health(error, trial=trial)\n            if trial:\n",
        "            if trial:\n",
    ),
    Mutation(
        "a provider that is well again is asked once more",
        "adapters/enrichment/circuit.py",
        "            if not is_last:\n",
        "            if True:\n",
    ),
    Mutation(
        "one order alone opens nothing",
        "adapters/enrichment/circuit.py",
        "self._failed.add(order_id)",
        'self._failed.add(f"{order_id} {len(self._failed)}")',
    ),
    Mutation(
        "an answer ends a row of failures",
        "adapters/enrichment/circuit.py",
        "            self._failed.clear()\n        if trial:\n",
        "            pass\n        if trial:\n",
    ),
    Mutation(
        "a failed trial at a provider that is well costs an attempt",
        "adapters/enrichment/circuit.py",
        "                    self.circuit.let_one_try_in(self.trial_pause)\n",
        "                    self.circuit.let_one_try_in(self.trial_pause)\n"
        '                    raise Unavailable("tried") from error\n',
    ),
    Mutation(
        "trials are apart",
        "adapters/enrichment/circuit.py",
        "self.circuit.let_one_try_in(self.trial_pause)",
        "self.circuit.let_one_try_in(0)",
    ),
    Mutation(
        "a trial that ends its order closes the circuit",
        "adapters/enrichment/circuit.py",
        "            if trial:\n                self.circuit.close()\n",
    ),
    Mutation(
        "the state of the circuit is read for every call",
        "adapters/enrichment/circuit.py",
        "local_cache_max_age=0",
        "local_cache_max_age=60",
    ),
    Mutation(
        "whoever opens the circuit calls the switch",
        "adapters/enrichment/circuit.py",
        "                self._when_opened()\n",
        "                pass\n",
    ),
    Mutation(
        "a healthy provider is tried again",
        "application/enrichment/switch.py",
        "self.circuit.is_closed() or self._is_worth_a_try()",
        "self.circuit.is_closed()",
    ),
    Mutation(
        "a single call tries",
        "adapters/enrichment/circuit.py",
        "self.let_one_try_in(0)",
        "self.let_one_try_in(RECOVERY_SECONDS)",
    ),
    Mutation(
        "an answer closes the circuit, whatever it says",
        "adapters/enrichment/circuit.py",
        "        except WorkError:\n            self.circuit.answered(trial=trial)\n            raise\n",
    ),
    Mutation(
        "one that dies while it tries holds nobody up",
        "adapters/enrichment/circuit.py",
        "            self.close()\n\n",
        "            pass\n\n",
    ),
    Mutation(
        "one that tries is left its time",
        "adapters/enrichment/circuit.py",
        '        elif epoch_seconds() >= int(record["probe_lease_expiry"]["N"]):\n',
        "        else:\n",
    ),
    Mutation(
        "an unhealthy provider is left alone",
        "application/enrichment/switch.py",
        "            self.circuit.keep_open()\n",
        "            pass\n",
    ),
    Mutation(
        "a mapping that is still changing is asked again",
        "adapters/enrichment/event_source_mapping.py",
        ', passing={"ResourceInUseException"}',
    ),
]
