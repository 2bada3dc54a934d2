"""The tables of the capture rule: modelling libraries, metric functions, calls that draw at random.

A library is known by where its classes and functions live (``sklearn.ensemble``), whichever name
the notebook gave it. To teach nbtrack a library, add a line here; nothing else knows them.
"""

from __future__ import annotations

# Calls into these packages give their literal keyword arguments as params. Of libraries that are
# first of all arithmetic on arrays (torch, TensorFlow, JAX) only the modelling parts are listed:
# ``x.sum(dim=1)`` says nothing about a model.
MODELLING: tuple[str, ...] = (
    "autogluon",
    "catboost",
    "causalml",
    "cuml",
    "darts",
    "dask_ml",
    "diffusers",
    "econml",
    "fastai",
    "flaml",
    "flax.linen",
    "flax.nnx",
    "gensim.models",
    "gpytorch",
    "hdbscan",
    "hmmlearn",
    "imblearn",
    "implicit",
    "interpret",
    "keras",
    "lifelines",
    "lightfm",
    "lightgbm",
    "lightning",
    "linearmodels",
    "neuralforecast",
    "ngboost",
    "optax",
    "peft",
    "pmdarima",
    "prophet",
    "pycaret",
    "pygam",
    "pymc",
    "pytorch_forecasting",
    "pytorch_lightning",
    "pytorch_tabnet",
    "river",
    "segmentation_models_pytorch",
    "sentence_transformers",
    "setfit",
    "sklearn",
    "skopt",
    "skorch",
    "sksurv",
    "sktime",
    "stable_baselines3",
    "statsforecast",
    "statsmodels",
    "surprise",
    "tensorflow.keras",
    "tensorflow_decision_forests",
    "tf_keras",
    "thundersvm",
    "timm",
    "torch.nn",
    "torch.optim",
    "torch.utils.data",
    "torch_geometric.nn",
    "torchvision.models",
    "tpot",
    "transformers",
    "trl",
    "tsai",
    "ultralytics",
    "umap",
    "xgboost",
)

# Metric functions live here: their keyword arguments define the metric and are no params.
METRIC_MODULES: tuple[str, ...] = (
    "imblearn.metrics",
    "keras.metrics",
    "keras.src.metrics",
    "lifelines.utils.concordance_index",
    "lifelines.utils.concordance",
    "sklearn.metrics",
    "sksurv.metrics",
    "statsmodels.tools.eval_measures",
    "surprise.accuracy",
    "tensorflow.keras.metrics",
    "tf_keras.metrics",
    "tf_keras.src.metrics",
    "torchmetrics",
)

# scipy.stats is distributions first of all; of its functions these measure something.
_SCIPY_STATISTICS = frozenset(
    "pearsonr spearmanr kendalltau weightedtau pointbiserialr somersd linregress ttest_ind ttest_rel ttest_1samp wilcoxon mannwhitneyu ks_2samp ks_1samp "
    "kstest chisquare chi2_contingency f_oneway kruskal friedmanchisquare levene bartlett shapiro normaltest jarque_bera anderson fisher_exact "
    "wasserstein_distance energy_distance entropy cramervonmises epps_singleton_2samp".split()
)

# Parts of modelling libraries that model nothing: pictures, reports, settings.
NOT_MODELLING: tuple[str, ...] = (
    "keras.utils.plot_model",
    "keras.utils.model_to_dot",
    "keras.src.utils.model_visualization",
    "lightgbm.plot_importance",
    "lightgbm.plot_metric",
    "lightgbm.plot_tree",
    "lightgbm.plotting",
    "sklearn._config",
    "sklearn.config_context",
    "sklearn.inspection",
    "sklearn.set_config",
    "sklearn.tree._export",
    "sklearn.tree.export_graphviz",
    "sklearn.tree.export_text",
    "sklearn.tree.plot_tree",
    "statsmodels.graphics",
    "tensorflow.keras.utils.plot_model",
    "transformers.utils.logging",
    "xgboost.plot_importance",
    "xgboost.plot_tree",
    "xgboost.plotting",
)

# Methods of a model that measure it: like metric functions, what they are given defines a metric.
MEASURING_METHODS = frozenset({"score", "evaluate", "compute", "log_loss"})

# Not metric functions themselves, and yet what they return is a metric: their keyword arguments
# are params, and part of the metric's definition too.
CROSS_VALIDATION = frozenset({"sklearn.model_selection.cross_val_score", "sklearn.model_selection._validation.cross_val_score"})

# Where the import of a function was not seen (a star import, a cell that was never shown), these
# names alone are telling enough.
METRIC_FUNCTIONS = frozenset(
    "accuracy_score adjusted_mutual_info_score adjusted_rand_score auc average_precision_score balanced_accuracy_score brier_score_loss "
    "calinski_harabasz_score classification_report cohen_kappa_score completeness_score coverage_error d2_absolute_error_score d2_pinball_score "
    "d2_tweedie_score davies_bouldin_score dcg_score det_curve explained_variance_score f1_score fbeta_score fowlkes_mallows_score hamming_loss hinge_loss "
    "homogeneity_score jaccard_score label_ranking_average_precision_score label_ranking_loss log_loss matthews_corrcoef max_error mean_absolute_error "
    "mean_absolute_percentage_error mean_gamma_deviance mean_pinball_loss mean_poisson_deviance mean_squared_error mean_squared_log_error "
    "mean_tweedie_deviance median_absolute_error mutual_info_score ndcg_score normalized_mutual_info_score precision_recall_fscore_support precision_score "
    "r2_score rand_score recall_score roc_auc_score root_mean_squared_error root_mean_squared_log_error silhouette_score top_k_accuracy_score "
    "v_measure_score zero_one_loss".split()
)

# Arguments of metric functions that carry data; they are not part of a metric's definition.
DATA_ARGUMENTS = frozenset(
    "X y y_true y_pred y_score y_proba y_prob y_hat y_test labels_true labels_pred preds predictions target targets input data x1 x2 a b estimator".split()
)

# Classes of these libraries whose result differs from run to run unless ``random_state`` is
# given. XGBoost, LightGBM and CatBoost are left out: without a seed they take a fixed one.
_ALWAYS_RANDOM = (
    # sklearn: splitting and searching
    "train_test_split ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit RepeatedKFold RepeatedStratifiedKFold RandomizedSearchCV HalvingRandomSearchCV "
    "HalvingGridSearchCV permutation_test_score "
    # sklearn: trees and ensembles permute the features at every split
    "RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor RandomTreesEmbedding IsolationForest DecisionTreeClassifier "
    "DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor GradientBoostingClassifier GradientBoostingRegressor AdaBoostClassifier AdaBoostRegressor "
    "BaggingClassifier BaggingRegressor "
    # sklearn: random starts and stochastic descent
    "MLPClassifier MLPRegressor SGDClassifier SGDRegressor SGDOneClassSVM Perceptron PassiveAggressiveClassifier PassiveAggressiveRegressor KMeans "
    "MiniBatchKMeans BisectingKMeans GaussianMixture BayesianGaussianMixture TSNE MDS SpectralClustering FastICA LatentDirichletAllocation "
    "DictionaryLearning MiniBatchDictionaryLearning MiniBatchNMF SparsePCA MiniBatchSparsePCA TruncatedSVD BernoulliRBM RANSACRegressor "
    "GaussianRandomProjection SparseRandomProjection RBFSampler Nystroem SkewedChi2Sampler PolynomialCountSketch permutation_importance mutual_info_classif "
    "mutual_info_regression "
    # sklearn: made-up data
    "make_blobs make_circles make_classification make_friedman1 make_friedman2 make_friedman3 make_gaussian_quantiles make_hastie_10_2 "
    "make_low_rank_matrix make_moons make_multilabel_classification make_regression make_s_curve make_sparse_uncorrelated make_spd_matrix make_swiss_roll "
    "resample shuffle "
    # imbalanced-learn
    "SMOTE SMOTENC SMOTEN ADASYN BorderlineSMOTE KMeansSMOTE SVMSMOTE RandomOverSampler RandomUnderSampler SMOTEENN SMOTETomek BalancedRandomForestClassifier "
    "BalancedBaggingClassifier EasyEnsembleClassifier RUSBoostClassifier"
)

# name -> the keyword and those values of it that make the call random; None: the call always is.
RANDOM_WHEN: dict[str, tuple[str, frozenset[object]] | None] = {
    **dict.fromkeys(_ALWAYS_RANDOM.split()),
    "KFold": ("shuffle", frozenset({True})),
    "StratifiedKFold": ("shuffle", frozenset({True})),
    "StratifiedGroupKFold": ("shuffle", frozenset({True})),
    "learning_curve": ("shuffle", frozenset({True})),
    "LogisticRegression": ("solver", frozenset({"sag", "saga", "liblinear"})),
    "LogisticRegressionCV": ("solver", frozenset({"sag", "saga", "liblinear"})),
    "Ridge": ("solver", frozenset({"sag", "saga"})),
    "RidgeClassifier": ("solver", frozenset({"sag", "saga"})),
    "Lasso": ("selection", frozenset({"random"})),
    "ElasticNet": ("selection", frozenset({"random"})),
    "LinearSVC": ("dual", frozenset({True})),
    "LinearSVR": ("dual", frozenset({True})),
    "SVC": ("probability", frozenset({True})),
    "NuSVC": ("probability", frozenset({True})),
    "PCA": ("svd_solver", frozenset({"randomized"})),
    "NMF": ("init", frozenset({"random", "nndsvdar"})),
    "DummyClassifier": ("strategy", frozenset({"stratified", "uniform"})),
    "HistGradientBoostingClassifier": ("early_stopping", frozenset({True})),
    "HistGradientBoostingRegressor": ("early_stopping", frozenset({True})),
    "IterativeImputer": ("sample_posterior", frozenset({True})),
}
# Given so, a call of the table above is not random after all.
FIXED_WHEN: dict[str, tuple[str, object]] = {"train_test_split": ("shuffle", False)}

# Too common as names to be taken for the library's without an import that says so.
AMBIGUOUS_RANDOM = frozenset({"resample", "shuffle", "TSNE", "MDS"})
RANDOM_LIBRARIES: tuple[str, ...] = ("sklearn", "imblearn", "cuml", "dask_ml")

# Calls that fix a global generator: the last part of the name, under its library.
SEEDING_CALLS: dict[str, str] = {
    "numpy.random.seed": "numpy",
    "random.seed": "random",
    "torch.manual_seed": "torch",
    "torch.random.manual_seed": "torch",
    "torch.cuda.manual_seed": "torch",
    "torch.cuda.manual_seed_all": "torch",
    "tensorflow.random.set_seed": "tensorflow",
    "tensorflow.random.set_random_seed": "tensorflow",
}
# These fix all generators, whoever defines them: Lightning, transformers, Keras, or the notebook.
SEED_EVERYTHING = frozenset(
    "seed_everything set_seed set_seeds set_random_seed set_all_seeds seed_all fix_seed fix_seeds set_global_seed enable_full_determinism".split()
)
# Generators that are fixed when they are made.
GENERATORS = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random", "jax.random.PRNGKey", "jax.random.key"})


def in_modules(path: str, modules: tuple[str, ...]) -> bool:
    """Whether the dotted ``path`` is one of ``modules`` or lies inside one."""
    return any(path == module or path.startswith(f"{module}.") for module in modules)


def is_modelling(path: str) -> bool:
    """Whether a function or class at the dotted ``path`` belongs to a modelling library, metric functions excepted."""
    return in_modules(path, MODELLING) and not in_modules(path, METRIC_MODULES) and not in_modules(path, NOT_MODELLING)


def is_metric(path: str) -> bool:
    """Whether the dotted ``path`` is a metric function or class."""
    if in_modules(path, ("scipy.stats",)):
        return path.rpartition(".")[2] in _SCIPY_STATISTICS
    return in_modules(path, METRIC_MODULES)
