"""AWS on one machine: an emulator over HTTP that runs the real functions, state machine and Glue scripts.

moto answers the calls. Where it falls short of AWS it is patched, a module a service, each patch with the
defect that it mends. What it cannot show is told in docs/aws.md.
"""
