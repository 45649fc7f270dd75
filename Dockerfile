# The emulator as a container. It needs the engine's socket to run tasks; without it tasks are simulated.
FROM python:3.13-slim
WORKDIR /ashore
COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY ashore ashore
COPY emulator emulator
COPY scheduler scheduler
RUN pip install --no-cache-dir . && mkdir -p /var/lib/ashore && chmod 777 /var/lib/ashore
ENV ASHORE_HOST=0.0.0.0 ASHORE_STATE_DIR=/var/lib/ashore
EXPOSE 4566
CMD ["ashore", "start"]
