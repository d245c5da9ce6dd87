"""What a stage with `api.cors_origins` has more than one without."""

from aws_cdk import aws_s3 as s3

from infra.settings import StageSettings

_AN_HOUR = 3600  # seconds


def cors_of_fixed_answers(settings: StageSettings) -> dict[str, str]:
    """Headers of what API Gateway answers by itself.

    It can send a fixed value or what the request says, and compare with no list ("Gateway responses for REST APIs").
    `*` is the safe one of the two: the text is the same whoever asks, it holds nothing of anybody, and a value that
    repeated the request's would need `Vary`, which could not be sent only where it is true.
    """
    if not settings.api.cors_origins:
        return {}
    return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Allow,Retry-After"}


def cors_of_files(settings: StageSettings) -> list[s3.CorsRule] | None:
    """For the links that reports are downloaded and tables uploaded by."""
    if not settings.api.cors_origins:
        return None
    return [
        s3.CorsRule(
            allowed_origins=list(settings.api.cors_origins),
            allowed_methods=[s3.HttpMethods.GET, s3.HttpMethods.HEAD, s3.HttpMethods.PUT],
            allowed_headers=["Content-Type"],
            exposed_headers=["Content-Disposition", "ETag"],
            max_age=_AN_HOUR,
        )
    ]
