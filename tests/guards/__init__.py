"""Every guard of the promises, as a mutation that takes it out: `make mutate`, `make mutate-simulated`."""
