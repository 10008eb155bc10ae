#include "tools/command_table.h"

#include "tools/train_commands.h"

#include "tools/detector_commands.h"

#include <limits.h>
#include <stddef.h>

/* Every command takes these two; without CUDA they change nothing. */
#define PROCESSOR                                                                                                      \
    {"-i", "N", -1, 1023, "number of the GPU; -1: the CPU"}, {"-nogpu", NULL, 0, 0, "the CPU"},                        \
    {                                                                                                                  \
        0                                                                                                              \
    }
#define GPUS                                                                                                           \
    {                                                                                                                  \
        "-gpus", "LIST", 0, 0, "numbers of the GPUs, as 0,1"                                                           \
    }
#define CLEAR                                                                                                          \
    {                                                                                                                  \
        "-clear", NULL, 0, 0, "begins at update 1: the weights are a start alone"                                      \
    }
#define DONT_SHOW                                                                                                      \
    {                                                                                                                  \
        "-dont_show", NULL, 0, 0, "of Darknet's forks: opens no window; nor does this program without it"              \
    }
#define CAMERA                                                                                                         \
    {                                                                                                                  \
        "-c", "N", 0, 1023, "number of the camera; default 0"                                                          \
    }
#define HIER                                                                                                           \
    {                                                                                                                  \
        "-hier", "T", 0, 1, "threshold in a tree of classes; default .5"                                               \
    }
#define PREFIX                                                                                                         \
    {                                                                                                                  \
        "-prefix", "NAME", 0, 0, "writes pictures of that name instead of showing them"                                \
    }
#define SKIPPED                                                                                                        \
    {                                                                                                                  \
        "-s", "N", 0, INT_MAX, "frames left out between two"                                                           \
    }
#define AVERAGED                                                                                                       \
    {                                                                                                                  \
        "-avg", "N", 1, INT_MAX, "frames averaged"                                                                     \
    }
#define THRESH(what)                                                                                                   \
    {                                                                                                                  \
        "-thresh", "T", 0, 1, what                                                                                     \
    }

static const texp_flag no_flags[] = {PROCESSOR};
static const texp_flag train_flags[] = {GPUS, CLEAR, DONT_SHOW, PROCESSOR};
static const texp_flag display_flags[] = {
    GPUS, CLEAR, DONT_SHOW, {"-display", NULL, 0, 0, "shows what is learnt; needs OpenCV"}, PROCESSOR};
static const texp_flag clear_flags[] = {CLEAR, PROCESSOR};
static const texp_flag camera_flags[] = {CAMERA, PROCESSOR};
static const texp_flag predict_flags[] = {{"-t", "N", 1, INT_MAX, "how many classes are printed; default top= of DATA"},
                                          PROCESSOR};

static const texp_flag demo_flags[] = {THRESH("least probability of a box that is drawn; default .5"),
                                       HIER,
                                       CAMERA,
                                       PREFIX,
                                       SKIPPED,
                                       AVERAGED,
                                       {"-w", "N", 0, INT_MAX, "width asked of the camera, in pixels"},
                                       {"-h", "N", 0, INT_MAX, "height asked of the camera, in pixels"},
                                       {"-fps", "N", 0, INT_MAX, "frames a second asked of the camera"},
                                       {"-fullscreen", NULL, 0, 0, "a window as large as the screen"},
                                       DONT_SHOW,
                                       PROCESSOR};
static const texp_flag detect_flags[] = {
    THRESH("least probability of a box that is drawn; default .5"),
    HIER,
    {"-out", "FILE", 0, 0, "name of the picture, without .jpg; default predictions"},
    {"-fullscreen", NULL, 0, 0, "a window as large as the screen; with OpenCV"},
    DONT_SHOW,
    PROCESSOR};
static const texp_flag valid_flags[] = {THRESH("least probability of a box that is written; default .005"),
                                        {"-out", "NAME", 0, 0, "of the files written, instead of comp4_det_test_"},
                                        PROCESSOR};
static const texp_flag map_flags[] = {
    THRESH("least probability of the boxes that precision, recall and F1 are of; default .25"),
    {"-iou", "T", 0, 0, "IoU from which a box is right; default .5; .5:.95 is the mean over ten, as COCO has it"},
    {"-points", "N", 0, 101, "0: the area below the curve, as VOC has it, the default; 11; 101: as COCO"},
    DONT_SHOW,
    PROCESSOR};
static const texp_flag detector_train_flags[] = {
    GPUS,
    CLEAR,
    {"-map", NULL, 0, 0, "of Darknet's forks: validates; so does this program without it"},
    DONT_SHOW,
    PROCESSOR};
static const texp_flag old_flags[] = {
    THRESH("least probability of a box; default .2"), CAMERA, PREFIX, SKIPPED, AVERAGED, PROCESSOR};

static const texp_flag rnn_flags[] = {{"-file", "FILE", 0, 0, "text to learn from"},
                                      {"-seed", "TEXT", 0, 0, "text that it goes on with"},
                                      {"-len", "N", 0, INT_MAX, "letters to write; default 1000"},
                                      {"-temp", "T", 0, INT_MAX, "temperature; default .7"},
                                      {"-srand", "N", INT_MIN, INT_MAX, "seed of the random numbers"},
                                      {"-tokenized", NULL, 0, 0, "the file has tokens"},
                                      {"-tokens", "FILE", 0, 0, "names of the tokens"},
                                      CLEAR,
                                      PROCESSOR};
static const texp_flag go_flags[] = {{"-multi", NULL, 0, 0, "averages over symmetries"},
                                     {"-anon", NULL, 0, 0, "gives no name"},
                                     {"-iters", "N", 0, INT_MAX, "iterations of the search; default 500"},
                                     {"-resign", "N", INT_MIN, INT_MAX, "move from which it may resign; default 175"},
                                     {"-cpuct", "X", INT_MIN, INT_MAX, "weight of exploring; default 5"},
                                     {"-temp", "T", INT_MIN, INT_MAX, "temperature; default .1"},
                                     {"-time", "X", 0, INT_MAX, "seconds a move"},
                                     GPUS,
                                     CLEAR,
                                     PROCESSOR};
static const texp_flag lsd_flags[] = {{"-file", "FILE", 0, 0, "list of images"},
                                      {"-b", "N", 0, INT_MAX, "updates"},
                                      {"-display", NULL, 0, 0, "shows images"},
                                      CLEAR,
                                      PROCESSOR};
static const texp_flag nightmare_flags[] = {{"-range", "N", 1, INT_MAX, "layers chosen among; default 1"},
                                            {"-norm", "N", 0, 1, "normalises the gradient; default 1"},
                                            {"-rounds", "N", 0, INT_MAX, "default 1"},
                                            {"-iters", "N", 0, INT_MAX, "default 10"},
                                            {"-octaves", "N", 1, INT_MAX, "default 4"},
                                            {"-zoom", "X", 0, INT_MAX, "default 1"},
                                            {"-rate", "X", INT_MIN, INT_MAX, "default .04"},
                                            {"-thresh", "X", INT_MIN, INT_MAX, "default 1"},
                                            {"-rotate", "X", INT_MIN, INT_MAX, "default 0"},
                                            {"-momentum", "X", INT_MIN, INT_MAX, "default .9"},
                                            {"-lambda", "X", INT_MIN, INT_MAX, "default .01"},
                                            {"-prefix", "NAME", 0, 0, "folder of the pictures"},
                                            {"-reconstruct", NULL, 0, 0, "the image from its features"},
                                            {"-smooth", "N", 0, INT_MAX, "default 1"},
                                            PROCESSOR};

const char *const texp_whole_names[] = {"N", "LAYER", "HEIGHT", "WIDTH", NULL};

const texp_darknet_command texp_darknet_commands[] = {
    {"classifier train", "DATA CFG [WEIGHTS]", train_flags, "trains", texp_train_classifier},
    {"classifier valid", "DATA CFG [WEIGHTS]", no_flags, "accuracy on the images of valid=", NULL},
    {"classifier predict", "DATA CFG [WEIGHTS] [IMAGE]", predict_flags, "classes of an image", NULL},
    {"classifier validmulti", "DATA CFG [WEIGHTS]", no_flags, "accuracy over several sizes", NULL},
    {"classifier valid10", "DATA CFG [WEIGHTS]", no_flags, "accuracy over ten crops", NULL},
    {"classifier validcrop", "DATA CFG [WEIGHTS]", no_flags, "accuracy on resized images", NULL},
    {"classifier validfull", "DATA CFG [WEIGHTS]", no_flags, "accuracy on whole images", NULL},
    {"classifier test", "DATA CFG [WEIGHTS] [LAYER]", no_flags, "outputs for the images of test=", NULL},
    {"classifier label", "DATA CFG [WEIGHTS]", no_flags, "class of each image of test=", NULL},
    {"classifier csv", "DATA CFG [WEIGHTS]", no_flags, "classes of each image of test=", NULL},
    {"classifier fout", "DATA CFG WEIGHTS LIST", no_flags, "outputs for the images of a list", NULL},
    {"classifier try", "DATA CFG WEIGHTS IMAGE LAYER", no_flags, "what a layer makes of an image", NULL},
    {"classifier demo", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "classes of a camera's images; needs OpenCV", NULL},
    {"classifier gun", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "another demo", NULL},
    {"classifier threat", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "another demo", NULL},
    {"detector train", "DATA CFG [WEIGHTS]", detector_train_flags, "trains", texp_train_detector},
    {"detector test", "DATA CFG [WEIGHTS] [IMAGE]", detect_flags, "draws the boxes found in an image",
     texp_detector_test},
    {"detector map", "DATA CFG [WEIGHTS]", map_flags, "average precision on the images of valid=", texp_detector_map},
    {"detector valid", "DATA CFG [WEIGHTS]", valid_flags,
     "writes the boxes found in the images of valid=", texp_detector_valid},
    {"detector valid2", "DATA CFG [WEIGHTS]", valid_flags, "the same, averaged with the mirrored image",
     texp_detector_valid_mirrored},
    {"detector recall", "DATA CFG [WEIGHTS]", no_flags, "share of the objects of valid= that are found",
     texp_detector_recall},
    {"detector demo", "DATA CFG [WEIGHTS] [VIDEO]", demo_flags, "boxes in a camera's images; needs OpenCV", NULL},
    {"regressor train", "DATA CFG [WEIGHTS]", train_flags, "trains", texp_train_regressor},
    {"regressor test", "CFG [WEIGHTS] [IMAGE]", no_flags, "predicts of an image", NULL},
    {"regressor demo", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "predicts of a camera's images; needs OpenCV", NULL},
    {"segmenter train", "DATA CFG [WEIGHTS]", display_flags, "trains", texp_train_segmenter},
    {"segmenter test", "DATA CFG [WEIGHTS] [IMAGE]", no_flags, "predicts of an image", NULL},
    {"segmenter demo", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "predicts of a camera's images; needs OpenCV", NULL},
    {"isegmenter train", "DATA CFG [WEIGHTS]", display_flags, "trains", NULL},
    {"isegmenter test", "DATA CFG [WEIGHTS] [IMAGE]", no_flags, "predicts of an image", NULL},
    {"isegmenter demo", "DATA CFG [WEIGHTS] [VIDEO]", camera_flags, "predicts of a camera's images; needs OpenCV",
     NULL},
    {"detect", "CFG WEIGHTS [IMAGE]", detect_flags, "detector test with cfg/coco.data", NULL},
    {"classify", "CFG WEIGHTS [IMAGE]", no_flags, "classifier predict with cfg/imagenet1k.data", NULL},
    {"rnn train", "CFG [WEIGHTS]", rnn_flags, "learns a text", NULL},
    {"rnn valid", "CFG [WEIGHTS]", rnn_flags, "perplexity of the text on stdin", NULL},
    {"rnn validtactic", "CFG [WEIGHTS]", rnn_flags, "the same of words", NULL},
    {"rnn vec", "CFG [WEIGHTS]", rnn_flags, "states behind the lines on stdin", NULL},
    {"rnn generate", "CFG [WEIGHTS]", rnn_flags, "writes a text", NULL},
    {"rnn generatetactic", "CFG [WEIGHTS]", rnn_flags, "the same of words", NULL},
    {"go train", "CFG [WEIGHTS] [FILE]", go_flags, "learns the game", NULL},
    {"go valid", "CFG WEIGHTS FILE", go_flags, "accuracy on a file of moves", NULL},
    {"go self", "CFG WEIGHTS CFG2 WEIGHTS2", go_flags, "two networks play", NULL},
    {"go test", "CFG [WEIGHTS]", go_flags, "shows moves", NULL},
    {"go engine", "CFG [WEIGHTS]", go_flags, "plays by GTP", NULL},
    {"tag train", "CFG [WEIGHTS]", clear_flags, "trains", NULL},
    {"tag test", "CFG [WEIGHTS] [IMAGE]", clear_flags, "tags of an image", NULL},
    {"cifar train", "CFG [WEIGHTS]", no_flags, "trains on data/cifar", NULL},
    {"cifar distill", "CFG [WEIGHTS]", no_flags, "trains on predictions", NULL},
    {"cifar test", "CFG [WEIGHTS]", no_flags, "accuracy", NULL},
    {"cifar multi", "CFG [WEIGHTS]", no_flags, "accuracy, averaged with the mirrored image", NULL},
    {"cifar csv", "CFG [WEIGHTS]", no_flags, "outputs for the test images", NULL},
    {"cifar csvtrain", "CFG [WEIGHTS]", no_flags, "outputs for the training images", NULL},
    {"cifar extract", "CFG", no_flags, "writes the images", NULL},
    {"cifar eval", "CFG", no_flags, "accuracy of results/combined.csv", NULL},
    {"yolo train", "CFG [WEIGHTS]", old_flags, "the first YOLO, on VOC", NULL},
    {"yolo test", "CFG [WEIGHTS] [IMAGE]", old_flags, "draws the boxes found in an image", NULL},
    {"yolo valid", "CFG [WEIGHTS]", old_flags, "writes boxes", NULL},
    {"yolo recall", "CFG [WEIGHTS]", old_flags, "recall", NULL},
    {"yolo demo", "CFG [WEIGHTS] [VIDEO]", old_flags, "boxes in a camera's images; needs OpenCV", NULL},
    {"coco train", "CFG [WEIGHTS]", old_flags, "the first YOLO, on COCO", NULL},
    {"coco test", "CFG [WEIGHTS] [IMAGE]", old_flags, "draws the boxes found in an image", NULL},
    {"coco valid", "CFG [WEIGHTS]", old_flags, "writes boxes", NULL},
    {"coco recall", "CFG [WEIGHTS]", old_flags, "recall", NULL},
    {"coco demo", "CFG [WEIGHTS] [VIDEO]", old_flags, "boxes in a camera's images; needs OpenCV", NULL},
    {"super train", "CFG [WEIGHTS]", clear_flags, "learns to enlarge images", NULL},
    {"super test", "CFG [WEIGHTS] [IMAGE]", clear_flags, "enlarges an image", NULL},
    {"lsd traingan", "CFG WEIGHTS CFG2 [WEIGHTS2]", lsd_flags, "trains a GAN", NULL},
    {"lsd trainprog", "CFG WEIGHTS CFG2 [WEIGHTS2]", lsd_flags, "trains a growing GAN", NULL},
    {"lsd traincolor", "CFG WEIGHTS CFG2 [WEIGHTS2]", lsd_flags, "learns colours", NULL},
    {"lsd gan", "CFG [WEIGHTS]", lsd_flags, "draws", NULL},
    {"lsd inter", "CFG [WEIGHTS]", lsd_flags, "draws what lies between", NULL},
    {"lsd test", "CFG [WEIGHTS] [IMAGE]", lsd_flags, "changes an image", NULL},
    {"lsd color", "CFG [WEIGHTS] [IMAGE]", lsd_flags, "colours an image", NULL},
    {"art", "CFG WEIGHTS", camera_flags, "needs OpenCV", NULL},
    {"nightmare", "CFG WEIGHTS IMAGE LAYER", nightmare_flags, "draws what a layer sees", NULL},
    {"3d", "IMAGE IMAGE2 OUT [DISTANCE]", no_flags, "one image for red and cyan glasses", NULL},
    {"test", "IMAGE", no_flags, "resizes an image", NULL},
    {"imtest", "IMAGE", no_flags, "the same", NULL},
    {"average", "CFG OUT WEIGHTS...", no_flags, "mean of several weights files", NULL},
    {"ops", "CFG", no_flags, "operations of a prediction", NULL},
    {"speed", "CFG [N]", no_flags, "times predictions", NULL},
    {"partial", "CFG WEIGHTS OUT N", no_flags, "weights of the first N layers", NULL},
    {"oneoff", "CFG WEIGHTS OUT", no_flags, "weights for one class more", NULL},
    {"oneoff2", "CFG WEIGHTS OUT N", no_flags, "weights of another network's first N layers", NULL},
    {"print", "CFG WEIGHTS LAYER", no_flags, "weights of a layer", NULL},
    {"visualize", "CFG [WEIGHTS]", no_flags, "shows filters", NULL},
    {"rgbgr", "CFG WEIGHTS OUT", no_flags, "swaps red and blue", NULL},
    {"reset", "CFG WEIGHTS OUT", no_flags, "resets normalisation", NULL},
    {"normalize", "CFG WEIGHTS OUT", no_flags, "adds normalisation", NULL},
    {"denormalize", "CFG WEIGHTS OUT", no_flags, "folds normalisation away", NULL},
    {"statistics", "CFG WEIGHTS", no_flags, "statistics of normalisation", NULL},
    {"rescale", "CFG WEIGHTS OUT", no_flags, "for inputs from -1 to 1", NULL},
    {"mkimg", "CFG WEIGHTS HEIGHT WIDTH N FOLDER", no_flags, "images of random filters", NULL},
    {0},
};
