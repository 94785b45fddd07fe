// Package sample encodes parts of a film with several settings, the same parts with each, and estimates from them what
// the whole film will be: its size, the time it takes, and how near its pictures are to the source's.
//
// A film is divided into cells of equal length. They are put into strata by how many bytes the source spends on a
// frame, each stratum with an equal part of the expected work. A round takes one cell of each stratum, spread over the
// film, and encodes it with all settings. Rounds go on until the time is up. What a source spends bytes on, an encoder
// does too, so the estimate is that of ratios within the strata (W. G. Cochran, Sampling Techniques, chapter 6).
//
// A film that can be encoded whole in the time that is left is: nothing has to be estimated then.
package sample
