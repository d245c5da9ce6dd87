"""What DynamoDB and SQS document that they refuse, before every call of every suite that boto3 makes.

moto, the emulator and the simulator's models let much pass that AWS does not. `layer` stands before them, refuses the
call as AWS would, and fails the test, also where the code under test swallowed the error.
"""
