"""A finding of cdk-nag that is meant to be so, on one resource, with the reason."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, rule: str, reason: str) -> None:
    """Say why a finding of cdk-nag is as it should be."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
