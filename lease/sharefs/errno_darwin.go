package sharefs

var native errnos
