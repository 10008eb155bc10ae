# The oracle of test_numbers.sh: a network of one [connected] and a [softmax], in double.
#
#   awk -v mean=M -v std=S -v channels=C -v top=T [-v each=1] -f tests/numbers.awk WEIGHTS IMAGES LABELS
#
# WEIGHTS has a number a line: the bias of each class, then the weights of each class, one class after another. IMAGES
# has the bytes of an image a line, LABELS a class a line. Prints the number of images, the mean cross-entropy in nats,
# the share of images whose class has the highest output, and the share of those among whose T highest it is; with each=1
# one line for each image instead: its probabilities.
BEGIN { n_parameters = n_images = n_labels = 0 }
FNR == 1 { file++ }
file == 1 { parameter[n_parameters++] = $1; next }
file == 2 { for (i = 1; i <= NF; i++) pixel[n_images, i - 1] = ($i / 255 - mean) / std; pixels = NF; n_images++; next }
file == 3 { class[n_labels++] = $1 }

function outputs(image,    j, i, at, largest, sum) {
    for (j = 0; j < classes; j++) {
        output[j] = parameter[j]
        at = classes + j * inputs
        for (i = 0; i < inputs; i++) output[j] += parameter[at + i] * pixel[image, i % pixels]
        if (!j || output[j] > largest) largest = output[j]
    }
    for (j = 0; j < classes; j++) sum += exp(output[j] - largest)
    for (j = 0; j < classes; j++) output[j] = exp(output[j] - largest) / sum
}

END {
    inputs = channels * pixels
    classes = n_parameters / (inputs + 1)
    if (n_images != n_labels || classes != int(classes)) { print "numbers.awk: the files do not fit"; exit 1 }
    for (image = 0; image < n_images; image++) {
        outputs(image)
        above = 0
        # Of equal outputs the first counts as the higher.
        for (j = 0; j < classes; j++) {
            above += output[j] > output[class[image]] || (j < class[image] && output[j] == output[class[image]])
            if (each) printf "%.9f%s", output[j], j == classes - 1 ? "\n" : " "
        }
        loss -= log(output[class[image]])
        right += above == 0
        among += above < top
    }
    if (!each) printf "%d %.9g %.9g %.9g\n", n_images, loss / n_images, right / n_images, among / n_images
}
