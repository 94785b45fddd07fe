package main

// serviceInstead is what takes the command's place here.
const serviceInstead = "a worker is launchd's here: `sudo launchctl bootstrap system " +
	"/Library/LaunchDaemons/org.distenc.worker.plist`"
