"""The API's model, as boto3 has it."""

import botocore.session

SERVICE = botocore.session.get_session().get_service_model("kms")

# Each operation, and the errors that the model lists for it.
ERRORS = {name: {shape.name for shape in SERVICE.operation_model(name).error_shapes} for name in SERVICE.operation_names}
