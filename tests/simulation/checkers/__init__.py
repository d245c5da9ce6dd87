"""The promises P1 to P10, each a function that yields what it finds broken. Nothing of the code under test is used."""
