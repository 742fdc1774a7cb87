"""GDST 1.2: the seafood profile on EPCIS, its rules, the chain of a lot."""
