package main

// serviceInstead is what takes the command's place here.
const serviceInstead = "a worker is systemd's here: `systemctl enable --now distenc-worker`"
