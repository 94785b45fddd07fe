package pipeline

// Student is Student's t: how many standard errors a mean of few values lies from the true one no more often than the
// normal distribution is beyond z. It is the expansion around that distribution (Abramowitz and Stegun, 26.7.5), near
// enough from a few degrees of freedom on.
func Student(z float64, freedom int) float64 {
	n, z2 := float64(max(1, freedom)), z*z
	return z * (1 + (z2+1)/(4*n) + ((5*z2+16)*z2+3)/(96*n*n) + (((3*z2+19)*z2+17)*z2-15)/(384*n*n*n))
}
