# The functions of AWS Lambda, both in one image: each names its handler as the command.
# Python 3.12, because the image of 3.11 is too old for the locked wheels: docs/decisions/0017.
#   docker build --platform linux/arm64 --tag loglode .
FROM public.ecr.aws/lambda/python:3.12-arm64 AS build

WORKDIR /build
COPY requirements/aws.txt requirements/
# Wheels alone, each with its hash: nothing is compiled, and nothing comes that is not locked.
RUN python -m pip install --no-cache-dir --no-compile --only-binary :all: --require-hashes \
    --requirement requirements/aws.txt --target /packages
COPY pyproject.toml README.md LICENSE ./
COPY src/loglode src/loglode
COPY src/lambda_functions /packages/lambda_functions
RUN PYTHONPATH=/packages python -m pip install --no-cache-dir --no-deps --no-build-isolation --target /packages . \
    && rm -rf /packages/setuptools* /packages/pkg_resources /packages/_distutils_hack /packages/bin \
    && find /packages -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +

FROM public.ecr.aws/lambda/python:3.12-arm64

COPY --from=build /packages ${LAMBDA_TASK_ROOT}/
# The service runs as a user of its own whatever stands here; this is for those who run the image elsewhere.
USER 1000
# Lambda looks after its environments itself and reads no HEALTHCHECK.
#checkov:skip=CKV_DOCKER_2:Lambda reads none
# Each function has its own command; this is for a look at the image.
CMD ["lambda_functions.trigger.handler"]
