"""An error of the service, as a client sees it."""


class ServiceError(Exception):
    """A request that ends in one of the errors of the service's model.

    Args:
        code: Name of the error shape, such as `ValidationException`.
        message: What went wrong, in the service's words where they are documented.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> ServiceError:
    """Return a ValidationException (HTTP 400)."""
    return ServiceError("ValidationException", message)


def not_found(message: str) -> ServiceError:
    """Return a ResourceNotFoundException (HTTP 404)."""
    return ServiceError("ResourceNotFoundException", message)


def conflict(message: str) -> ServiceError:
    """Return a ConflictException (HTTP 400 in the `bedrock` service)."""
    return ServiceError("ConflictException", message)


def denied(message: str) -> ServiceError:
    """Return an AccessDeniedException (HTTP 403)."""
    return ServiceError("AccessDeniedException", message)
