"""A function that is called each minute, or each so many."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

RECONCILER_TIMEOUT_SECONDS = 50
"""Less than a minute, after which the next one starts, and than the two minutes it hides messages for."""


class EveryMinute(Construct):
    """EventBridge Scheduler, allowed to call this function and nothing else (the L2 target would allow its versions).

    A call that fails is not repeated: the next minute is its retry.
    """

    def __init__(self, scope: Construct, construct_id: str, function: lambda_.Function, minutes: int = 1) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            schedule_expression="rate(1 minute)" if minutes == 1 else f"rate({minutes} minutes)",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=role.role_arn,
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(maximum_retry_attempts=0),
            ),
        )
        schedule.node.add_dependency(role)
