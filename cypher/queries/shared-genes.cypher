// name: shared-genes
// topic: Genes of a drug
// about: Genes that two drugs both attend to as targets, the smaller of their two excesses first.
// param first: drug, name, alias or id
// param second: drug, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: gene string, first_rank integer, second_rank integer, first_excess float, second_excess float
MATCH (:Drug {id: $first})-[a:ATTENDS]->(g:Gene)
WHERE a.run_id = $run AND a.objective = 'target'
MATCH (:Drug {id: $second})-[b:ATTENDS]->(g)
WHERE b.run_id = $run AND b.objective = 'target'
RETURN g.id AS gene, a.rank AS first_rank, b.rank AS second_rank, a.excess AS first_excess,
       b.excess AS second_excess
ORDER BY CASE WHEN first_excess < second_excess THEN first_excess ELSE second_excess END DESC, gene
LIMIT $limit
