# This host's own Rust behind the official image's conventions: `cargo` on the path, its home in `/usr/local/cargo`.
# Of what the official image has beside it, only what the lab is built with is here: compilers for C and C++, and make.
FROM debian:bookworm-slim
COPY host /host
RUN /host/install-packages ca-certificates g++ make
# The certificates that this host trusts, where it has any; cargo looks for them where Debian keeps its own.
COPY certificates /etc/ssl/certs
COPY toolchain /usr/local
COPY cargo /usr/local/cargo
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/cargo/bin:$PATH
