# Writes the apt entry of the repository that the file declares. $2: its URL. $3: its key. $4: the
# fingerprint of the key.
add_repository "$2" "$3" "$4" /etc/apt/keyrings/cai-docker.asc
