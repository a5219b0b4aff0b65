# The command `cli` in an image:  docker build --tag pharmagraph .
# The torch of PyPI runs on a CPU and, where the engine passes GPUs on, on them. An image without CUDA is some gigabytes
# smaller; give the index that has torch's wheels for the CPU:  docker build --build-arg TORCH_INDEX=… --tag pharmagraph .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# a compiler for the kernels; what is newest in this release of Debian is wanted, so no version is named
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/pharmagraph
ENV PATH="/opt/pharmagraph/bin:${PATH}"
WORKDIR /source

# the libraries, in the versions of the lock: a layer that only a change of these two files makes anew
COPY pyproject.toml requirements.lock ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*project['dependencies'], *project['optional-dependencies']['assistant'], sep='\n')" > wanted.txt \
    && if [ -n "${TORCH_INDEX}" ]; then pip install --index-url "${TORCH_INDEX}" "$(grep '^torch==' requirements.lock)"; fi \
    && pip install --constraint requirements.lock --requirement wanted.txt 'setuptools>=77'

# then the program, with its kernels built for every processor of this kind
COPY . .
RUN python -m pharmagraph.model.kernels.build \
    && pip install --no-deps --no-build-isolation .

FROM python:${PYTHON}-slim
# the library of threads of the kernels, and those with which RDKit draws structures, which its wheel does not bring
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 libexpat1 libxext6 libxrender1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 pharmagraph \
    && install --directory --owner=pharmagraph /data
COPY --from=build /opt/pharmagraph /opt/pharmagraph
ENV PATH="/opt/pharmagraph/bin:${PATH}" PHARMAGRAPH_STORE=ladybug:///data/graph.lbug
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8050
ENTRYPOINT ["cli"]
CMD ["--help"]
