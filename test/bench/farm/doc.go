// Package farm measures the farm: how near the real master, worker and lease code come to what the nodes'
// speeds allow, and what that costs the file server.
//
// It runs them on a real folder, in virtual time (testing/synctest): calls to the share are made for real
// and take a time that a file server would, and the encoder waits for as long as it would have encoded. So
// two hundred nodes fit on two cores, and the result does not depend on how busy those are.
package farm
