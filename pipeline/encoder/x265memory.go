package encoder

// Memory implements Options.
func (x x265Asked) Memory(p Pictures) (fixed, thread int64) {
	fixed, thread = x264Asked{preset: x.preset}.Memory(p)
	return 2 * fixed, 2 * thread
}
