package view

import _ "embed" // the parts of the page for films and outputs

// The part of the page that steers by which films are handed in and outputs taken out. It is no part of what the master
// sends again: what is on its way in a browser is that browser's own.

//go:embed files.html
var filesHTML string

//go:embed files.js
var filesJS string

//go:embed files.css
var filesCSS string

// FilesScript is what carries films and outputs, on the page that steers.
func FilesScript() []byte { return []byte(filesJS) }
